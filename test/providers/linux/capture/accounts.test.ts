// What was attempted is always what became of it, whatever is lost on the way; and nothing is left of a capture that is killed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { EventCursor } from "../../../../services/providers/linux/capture/event-cursor.js";
import { type EventKind, eventKinds } from "../../../../services/providers/linux/capture/event-layout.js";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { countEvent } from "../../../../services/providers/linux/trace/event-capture.js";
import { heldBy, leftOf } from "../held-in-kernel.js";
import { test } from "../require-tracing.js";
import { addon, captureWhile, sumOf } from "./capture-under-test.js";
import { ownPrograms } from "./events-of.js";
import { ipv4, NetworkNamespace, networks } from "./network-under-test.js";

// Of the trees; every session has them.
const programsOfTrees = 3;
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

const storm = `d=$(mktemp -d) && cd $d && i=0; while [ $i -lt 300 ]; do
  echo x > a; read -r y < a; mv a b; rm b; kill -0 $$; kill -CONT $$; i=$((i+1)); done; cd / && rmdir $d`;

test.each([
  ["without a filter", {}],
  ["with a filter by path", { paths: [tmpdir()] }],
  ["with a filter by tree", { roots: [process.pid] }],
])("%s, every kind accounts for every attempt in a storm on a tiny ring with a rate limit", async (_what, filter) => {
  const all = Object.keys(eventKinds) as EventKind[];
  const options = { kinds: all, filter, ringBytes: 16_384, eventsPerSecond: 20_000 };
  const { events, accounts } = await captureWhile(options, async () => {
    const shells = [1, 2, 3].map(() => spawn("sh", ["-c", storm]));
    await Promise.all(shells.map((shell) => once(shell, "close")));
  });
  for (const kind of all) {
    expect(accounts[kind].attempted, kind).toBe(sumOf(accounts[kind]));
    expect(events.filter((event) => event.kind === kind).length, kind).toBe(accounts[kind].submitted);
  }
  for (const kind of ["fileRename", "fileUnlink", "fileWrite", "fileRead", "signal", "capabilityCheck"] as const)
    expect(accounts[kind].attempted, kind).toBeGreaterThan(100);
  expect(all.some((kind) => accounts[kind].ringFull > 0)).toBe(true);
});

test("with a tiny ring, a slow reader and a rate limit at once, every attempt is accounted for to the unit", async () => {
  const all = Object.keys(eventKinds) as EventKind[];
  const capture = await openCapture(addon, { kinds: all, ringBytes: 16_384, eventsPerSecond: 5000 });
  const reading = countEvents(capture.batches, 20);
  const shells = [1, 2, 3].map(() => spawn("sh", ["-c", storm]));
  await Promise.all(shells.map((shell) => once(shell, "close")));
  const accounts = await capture.close();
  const seen = await reading;
  for (const kind of all) {
    expect(accounts[kind].attempted, kind).toBe(sumOf(accounts[kind]));
    expect(seen.get(eventKinds[kind]) ?? 0, kind).toBe(accounts[kind].submitted);
  }
  expect(all.some((kind) => accounts[kind].ringFull > 0)).toBe(true);
  expect(all.some((kind) => accounts[kind].rateLimited > 0)).toBe(true);
});

test("closed in the middle of a storm while another capture goes on, every attempt is accounted for to the unit", async () => {
  const forever = `while :; do : < /etc/hostname; done`;
  const shells = [1, 2, 3].map(() => spawn("sh", ["-c", forever]));
  const other = await openCapture(addon, { kinds: ["fileOpen"] });
  try {
    for (let round = 0; round < 15; round++) {
      const capture = await openCapture(addon, { kinds: ["fileOpen"], ringBytes: 16_384 });
      const reading = countEvents(capture.batches);
      await sleep(5);
      const { fileOpen } = await capture.close();
      expect(fileOpen.attempted).toBe(sumOf(fileOpen));
      expect((await reading).get(eventKinds.fileOpen) ?? 0).toBe(fileOpen.submitted);
    }
  } finally {
    for (const shell of shells) shell.kill("SIGKILL");
    await other.close();
  }
});

/** Events by number of kind; each batch is looked at for so long. */
async function countEvents(batches: AsyncIterable<Uint8Array>, ofBatchMs = 0): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  for await (const batch of batches) {
    if (ofBatchMs > 0) await sleep(ofBatchMs);
    const cursor = new EventCursor(batch);
    while (cursor.next()) countEvent(seen, cursor.kind);
  }
  return seen;
}

test("with a tiny ring and a reader who comes late, every attempt of every network event is accounted for", async () => {
  const namespace = NetworkNamespace.alone();
  const ofNetwork = ["tcpConnect", "tcpAccept", "tcpClose", "tcpReset", "udpSend"] as const;
  const capture = await openCapture(addon, { kinds: ofNetwork, ringBytes: 4096, filter: { networks } });
  try {
    await namespace.start(refusedScript(4401, 400)).ended();
  } finally {
    namespace.remove();
  }
  const accounts = await capture.close();
  const seen = await countEvents(capture.batches);
  for (const kind of ofNetwork) {
    expect(accounts[kind].attempted, kind).toBe(sumOf(accounts[kind]));
    expect(seen.get(eventKinds[kind]) ?? 0, kind).toBe(accounts[kind].submitted);
  }
  // Each is refused by one reset, which one side sends and the other receives.
  const { tcpConnect, tcpReset } = accounts;
  expect(tcpConnect.attempted - tcpConnect.filtered).toBe(400);
  expect(tcpReset.attempted - tcpReset.filtered).toBe(800);
  expect(tcpReset.ringFull).toBeGreaterThan(0);
});

test("a filter can be changed while the capture runs", async () => {
  const { events } = await captureWhile({ kinds: ["exec"], filter: ownPrograms("true") }, (capture) => {
    spawnSync("/bin/true");
    spawnSync("/bin/echo");
    capture.setFilter(ownPrograms("echo"));
    spawnSync("/bin/true");
    spawnSync("/bin/echo");
  });
  expect(events.map((event) => event.subject.comm)).toEqual(["true", "echo"]);
});

test.each([
  ["exec", 1 << eventKinds.exec, 1],
  ["all of the network", 0xff00, 10],
  ["all of files and the system", 0x7ff0010, 6],
])("nothing is left of a capture of %s whose process is killed", async (_what, bits, programs) => {
  const script = `
    const { openCapture } = require(${JSON.stringify(builtAddonPath())});
    const sizes = { ringBytes: 65536, wakeAtBytes: 1024, batchBytes: 65536, batchesInFlight: 8 };
    const filter = { pids: [], cgroups: [], users: [], comms: [], ports: [], networks: [], roots: [], paths: [] };
    openCapture({ ...sizes, kinds: ${bits}, lookEveryMs: 10, eventsPerSecond: 0, filter }, () => {}).then(() => console.log("open"));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const held = heldBy(child.pid as number);
    expect(held.programs).toHaveLength(programs + programsOfTrees);
    expect(held.maps.length).toBeGreaterThan(3);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await leftOf(held)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});

// One after the other, to a port where nobody listens.
const refusedScript = (port: number, times: number) => `
  (async () => {
    for (let count = 0; count < ${times}; count++) {
      await new Promise((resolve) => net.connect(${port}, "${ipv4}").on("error", () => {}).on("close", resolve));
    }
    end();
  })();`;
