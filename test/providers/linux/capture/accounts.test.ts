// What was attempted is always what became of it, whatever is lost on the way; and nothing is left of a capture that is killed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { addon, captureWhile, sumOf } from "./capture-under-test.js";

const kinds = ["exec", "fork", "exit"] as const;

test("with a rate limit every attempt is accounted for to the unit", async () => {
  const { events, accounts } = await captureWhile({ kinds, eventsPerSecond: 20 }, () => {
    for (let count = 0; count < 40; count++) spawnSync("/bin/true");
  });
  for (const kind of kinds) {
    expect(accounts[kind].attempted, kind).toBe(sumOf(accounts[kind]));
    expect(events.filter((event) => event.kind === kind)).toHaveLength(accounts[kind].submitted);
  }
  expect(accounts.exec.rateLimited).toBeGreaterThan(0);
});

test("with a tiny ring and nobody who reads, drops are counted and sequences have gaps", async () => {
  const capture = await openCapture(addon, { kinds: ["fileOpen"], ringBytes: 4096 });
  spawnSync("/bin/sh", ["-c", "i=0; while [ $i -lt 5000 ]; do : < /etc/hostname; i=$((i+1)); done"]);
  const { fileOpen } = await capture.close();
  let taken = 0;
  for await (const batch of capture.batches) taken += batch.byteLength;
  expect(fileOpen.ringFull).toBeGreaterThan(0);
  expect(fileOpen.attempted).toBeGreaterThanOrEqual(5000);
  expect(fileOpen.attempted).toBe(sumOf(fileOpen));
  expect(taken).toBeGreaterThan(0);
});

test("a filter can be changed while the capture runs", async () => {
  const { events } = await captureWhile({ kinds: ["exec"], filter: { comms: ["true"] } }, (capture) => {
    spawnSync("/bin/true");
    spawnSync("/bin/echo");
    capture.setFilter({ comms: ["echo"] });
    spawnSync("/bin/true");
    spawnSync("/bin/echo");
  });
  expect(events.map((event) => event.subject.comm)).toEqual(["true", "echo"]);
});

test("nothing is left of a capture whose process is killed", async () => {
  const script = `
    const { openCapture } = require(${JSON.stringify(builtAddonPath())});
    const sizes = { ringBytes: 65536, wakeAtBytes: 1024, batchBytes: 65536, batchesInFlight: 8 };
    const filter = { pids: [], cgroups: [], users: [], comms: [], ports: [], networks: [] };
    openCapture({ ...sizes, kinds: 2, lookEveryMs: 10, eventsPerSecond: 0, filter }, () => {}).then(() => console.log("open"));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const held = heldBy(child.pid);
    expect(held.programs).toHaveLength(1);
    expect(held.maps.length).toBeGreaterThan(3);
    child.kill("SIGKILL");
    await once(child, "exit");
    // The kernel frees them when it has a moment.
    for (let tries = 0; leftOf(held) > 0 && tries < 100; tries++) await sleep(20);
    expect(leftOf(held)).toBe(0);
  } finally {
    child.kill("SIGKILL");
  }
});

interface Held {
  readonly programs: readonly number[];
  readonly maps: readonly number[];
}

// Descriptors of programs, of what attaches them and of maps say their ids.
function heldBy(pid: number | undefined): Held {
  const folder = `/proc/${pid}/fdinfo`;
  const texts = readdirSync(folder).map((fd) => readFileSync(join(folder, fd), "utf8"));
  const idsOf = (pattern: RegExp) => [...new Set(texts.flatMap((text) => pattern.exec(text)?.[1] ?? []).map(Number))];
  return { programs: idsOf(/^prog_id:\s*(\d+)/m), maps: idsOf(/^map_id:\s*(\d+)/m) };
}

function leftOf({ programs, maps }: Held): number {
  return left("prog", programs) + left("map", maps);
}

function left(what: "prog" | "map", ids: readonly number[]): number {
  const all: { id: number }[] = JSON.parse(spawnSync("bpftool", [what, "list", "--json"], { encoding: "utf8" }).stdout);
  return all.filter(({ id }) => ids.includes(id)).length;
}
