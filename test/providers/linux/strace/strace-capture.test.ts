// What is strace's own: what it refuses, what becomes of lines that cannot be read, and that it never outlives its daemon.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventKind } from "../../../../services/providers/linux/capture/event-layout.js";
import { EventQueue } from "../../../../services/providers/linux/strace/event-queue.js";
import { matcherOf } from "../../../../services/providers/linux/strace/match-filter.js";
import { openStraceCapture, straceSlowdown } from "../../../../services/providers/linux/strace/open-strace-capture.js";
import { ProcessTable } from "../../../../services/providers/linux/strace/process-table.js";
import { EventReader } from "../../../../services/providers/linux/strace/read-events.js";
import type { StraceKind } from "../../../../services/providers/linux/strace/strace-kinds.js";
import { ErrorReason, errorDetailOf, explainError } from "../../../../services/shared/errors.js";
import { findPackageRoot } from "../../../../services/shared/package-root.js";
import { sumOf } from "../capture/capture-under-test.js";
import { type Actor, startActor } from "./actor.js";

const modulePath = join(findPackageRoot().pathname, "dist/services/providers/linux/strace/open-strace-capture.js");
const directory = mkdtempSync(join(tmpdir(), "strace-"));
let idle: Actor;

beforeAll(async () => {
  idle = await startActor("1");
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await idle.end();
});

describe("strace is refused", () => {
  const kinds: EventKind[] = ["exec"];
  test.each([
    ["for a whole system", () => ({ kinds }), "UNSUPPORTED", "roots with all that they start"],
    [
      "for kinds that it cannot tell",
      () => ({ kinds: ["exec", "oomKill", "blockIo"] as EventKind[], filter: { pids: [1] } }),
      "UNSUPPORTED",
      "ask for exec, fork",
    ],
    [
      "for the daemon itself",
      () => ({ kinds, filter: { pids: [process.pid] } }),
      "INVALID_ARGUMENT",
      "other processes",
    ],
    [
      "for a process that is gone",
      () => ({ kinds, filter: { pids: [4_194_303] } }),
      "UNKNOWN_PROCESS",
      "list the processes",
    ],
    [
      "for a port that is none",
      () => ({ kinds, filter: { pids: [idle.pid], ports: [0] } }),
      "INVALID_ARGUMENT",
      "1 to 65535",
    ],
  ])("%s", async (_what, optionsOf, reason, remedy) => {
    const error = await openStraceCapture(optionsOf()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(ErrorReason[errorDetailOf(error).reason]).toBe(reason);
    expect(explainError(error).remedy).toContain(remedy);
  });

  test("for a process that another program traces, with what strace said", async () => {
    const first = await openStraceCapture({ kinds: ["exec"], filter: { pids: [idle.pid] } });
    const second = openStraceCapture({ kinds: ["exec"], filter: { pids: [idle.pid] } });
    await expect(second).rejects.toThrow(/strace may not trace \d+: .*Operation not permitted/);
    await first.close();
  });

  const old = join(directory, "old-strace");
  const says = "strace: unrecognized option '--decode-pids=pidns'";
  writeFileSync(old, `#!/bin/sh\necho "${says}" >&2\nexit 1\n`, { mode: 0o755 });

  test.each([
    ["where the host has none, with the package to install", "/dev/null", /no program strace .*; install the package/],
    [
      "where it is too old (simulated), with the version to install",
      old,
      /too old: strace: unrecognized .*; install strace 5\.9/,
    ],
  ])("%s", (_what, strace, message) => {
    const script = `import(${JSON.stringify(modulePath)}).then(({ openStraceCapture }) =>
      openStraceCapture({ kinds: ["exec"], filter: { pids: [${idle.pid}] } })).catch((error) => console.log(error.message))`;
    const replaced = 'mount --bind "$0" /usr/bin/strace && exec "$@"';
    const words = ["-m", "sh", "-c", replaced, strace, process.execPath, "-e", script];
    const { stdout } = spawnSync("unshare", words, { encoding: "utf8" });
    expect(stdout).toMatch(message);
  });
});

test("a filter can be changed, but not the processes", async () => {
  const actor = await startActor(
    'open(my $f, "<", "/etc/hostname"); sysread(STDIN, $go, 1); open($f, "<", "/etc/hosts")',
  );
  const capture = await openStraceCapture({ kinds: ["fileOpen"], filter: { pids: [actor.pid] } });
  capture.setFilter({ pids: [actor.pid], paths: ["/etc/hosts"] });
  expect(() => capture.setFilter({ pids: [idle.pid] })).toThrow(/stays with the processes/);
  const acted = actor.act();
  await sleep(200);
  await actor.end();
  await acted;
  const { fileOpen } = await capture.close();
  expect(fileOpen).toMatchObject({ attempted: 2, filtered: 1, submitted: 1 });
});

// As strace 6.1 wrote them.
const base = "4711 1795445444.741583 ";
const hostname = "\\x2f\\x65\\x74\\x63\\x2f\\x68\\x6f\\x73\\x74\\x6e\\x61\\x6d\\x65";
const opened = `openat(-100<\\x2f>, "${hostname}", 0x80000) = 3<${hostname}> <0.000020>`;

async function read(kinds: readonly StraceKind[], lines: readonly string[]) {
  const queue = new EventQueue(matcherOf({}));
  const reader = new EventReader(kinds, new ProcessTable(), queue);
  for (const line of lines) reader.read(line);
  queue.end();
  const events = [];
  for await (const batch of queue.batches()) events.push(...batch.decode());
  return { events, accounts: queue.accounts() };
}

test.each([
  ["a whole line", [base + opened]],
  [
    "a call whose parts are apart",
    [
      `${base}openat(-100<\\x2f>, "${hostname}", 0x80000 <unfinished ...>`,
      "4712 1795445444.741590 <... nothing resumed>) = 0 <0.000001>",
      `4711 1795445444.741603 <... openat resumed>) = 3<${hostname}> <0.000020>`,
    ],
  ],
  [
    "among signals, stops and calls of others",
    [
      `${base}--- SIGCHLD {si_signo=17, si_code=0x1, si_pid=4712, si_uid=0, si_status=0} ---`,
      base + opened,
      `${base}--- stopped by 19 ---`,
      `${base}getppid() = 1 <0.000001>`,
      `${base}exit_group(0) = ?`,
      `${base}openat(-100<\\x2f>, "${hostname}", 0x80000) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.000020>`,
    ],
  ],
])("%s is one event", async (_what, lines) => {
  const { events, accounts } = await read(["fileOpen"], lines);
  const time = events[0]?.time;
  expect(events).toMatchObject([{ kind: "fileOpen", path: "/etc/hostname", result: 3, flags: 0x80000, sequence: 0n }]);
  expect(time).toBeTypeOf("bigint");
  expect(accounts.fileOpen.submitted).toBe(1);
  expect(accounts.fileOpen.attempted).toBe(sumOf(accounts.fileOpen));
});

test.each([
  "",
  "nothing of strace",
  "4711 1795445444.741583",
  `${base}openat(`,
  `${base}openat(-100<\\x2f>, "${hostname}`,
  `${base}openat(-100<\\x2f>, "/etc/hostname", 0x80000) = 3 <0.000020>`,
  `${base}openat(-100<\\x2f>, "${hostname}", O_RDONLY) = 3 <0.000020>`,
  `${base}openat(-100<\\x2f>) = 3 <0.000020>`,
  `${base}openat(-100<\\x2f>, "${hostname}", 0x80000) = -1 EUNHEARDOF (Unheard of) <0.000020>`,
  `${base}openat(-100<\\x2f, "${hostname}", 0x80000) = 3 <0.000020>`,
  `${base}<... openat resumed>) = 3 <0.000020>`,
  `${base}+++ did something new +++`,
])("a line that cannot be read is counted, and nothing of it is told: %s", async (line) => {
  const { events, accounts } = await read(["fileOpen", "exec"], [line, base + opened]);
  expect(events).toHaveLength(1);
  expect(accounts.fileOpen).toMatchObject({ attempted: 2, unreadable: 1, submitted: 1 });
});

test("a thread that runs another program goes on as its process", async () => {
  const { events } = await read(
    ["exec"],
    [
      '4712 1795445444.741583 execve("\\x2f\\x78", ["\\x78"], 0x5641524c45f0 /* 35 vars */ <unfinished ...>',
      "4711 1795445444.741593 +++ superseded by execve in pid 4712 +++",
      "4711 1795445444.741603 <... execve resumed>) = 0 <0.000020>",
    ],
  );
  expect(events).toMatchObject([{ kind: "exec", filename: "/x", argv: ["x"], subject: { tid: 4711, comm: "x" } }]);
});

// Beyond the highest number of a process: /proc has none of them.
const [maker, otherMaker, child] = [4_194_305, 4_194_306, 4_194_307];
const begins = (tid: number, at: number) =>
  `${tid} 1795445444.00000${at} clone(child_stack=NULL, flags=0x1200000|17 <unfinished ...>`;
const returns = (tid: number, at: number, made: number) =>
  `${tid} 1795445444.00000${at} <... clone resumed>, child_tidptr=0x7feed294de50) = ${made} <0.000094>`;
const acts = (tid: number) => `${tid} 1795445444.000000 getppid() = 1 <0.000001>`;
const ends = (tid: number, at: number) => `${tid} 1795445444.00000${at} +++ exited with 3 +++`;

test.each([
  [
    "before its maker's call returns is told after it was made, once",
    [begins(maker, 1), ends(child, 2), returns(maker, 3, child)],
    [`fork ${maker} ${child}`, `exit ${child}`],
  ],
  [
    "is told as well as one of another number that the call makes",
    [begins(maker, 1), ends(child, 2), returns(maker, 3, child + 1)],
    [`fork ${maker} ${child}`, `exit ${child}`, `fork ${maker} ${child + 1}`],
  ],
  [
    "whose maker is killed within its call is told all the same",
    [begins(maker, 1), ends(child, 2), ends(maker, 3), begins(otherMaker, 4), returns(otherMaker, 5, child)],
    [`fork ${maker} ${child}`, `exit ${child}`, `exit ${maker}`, `fork ${otherMaker} ${child}`],
  ],
  [
    "of one of two makers is told when the call returns",
    [
      begins(maker, 1),
      begins(otherMaker, 2),
      ends(child, 3),
      returns(otherMaker, 4, child),
      returns(maker, 5, child + 1),
    ],
    [`exit ${child}`, `fork ${otherMaker} ${child}`, `fork ${maker} ${child + 1}`],
  ],
])("a child that ends %s", async (_what, lines, expected) => {
  const { events, accounts } = await read(["fork", "exit"], [acts(maker), acts(otherMaker), ...lines]);
  const told = events.map((event) => {
    const made = event.kind === "fork" ? ` ${event.child.pid}` : "";
    return `${event.kind} ${event.subject.pid}${made}`;
  });
  expect(told).toEqual(expected);
  expect(accounts.fork.attempted).toBe(sumOf(accounts.fork));
});

test("a daemon that is killed takes strace with it, and leaves the target running", async () => {
  const script = `import(${JSON.stringify(modulePath)}).then(({ openStraceCapture }) =>
    openStraceCapture({ kinds: ["exec"], filter: { pids: [${idle.pid}] } })).then(() => console.log("open"));
    setInterval(() => {}, 1000)`;
  const daemon = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(daemon.stdout, "data");
  const tracer = tracerOf(idle.pid);
  expect(readFileSync(`/proc/${tracer}/comm`, "utf8")).toBe("strace\n");
  daemon.kill("SIGKILL");
  await expect.poll(() => tracerOf(idle.pid), { timeout: 3_000 }).toBe(0);
  expect(readFileSync(`/proc/${idle.pid}/status`, "utf8")).toMatch(/^State:\s+S/m);
  await expect.poll(() => isThere(tracer), { timeout: 3_000 }).toBe(false);
});

test("the slowdown that a session tells is what it is here, as far as machines differ", async () => {
  // The fastest of its rounds: in the others the machine may have done something else.
  const loop = `use Time::HiRes "time"; my $best = 1e9; for (1 .. 20) {
    my $t = time; for (1 .. 200) { open(my $f, "<", "/etc/hostname") } my $took = time - $t; $best = $took if $took < $best;
  } printf "%.9f\\n", $best`;
  const plain = await startActor(loop);
  const alone = Number.parseFloat(await plain.act());
  await plain.end();
  const actor = await startActor(loop);
  const capture = await openStraceCapture({ kinds: ["fileOpen"], filter: { pids: [actor.pid] } });
  const traced = Number.parseFloat(await actor.act());
  await actor.end();
  await capture.close();
  console.info(`strace slows opens ${(traced / alone).toFixed(0)} times`);
  expect(traced / alone).toBeGreaterThan(straceSlowdown / 4);
  expect(traced / alone).toBeLessThan(straceSlowdown * 4);
});

function tracerOf(pid: number): number {
  return Number(/^TracerPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
