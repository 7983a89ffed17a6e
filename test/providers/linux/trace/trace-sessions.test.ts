// Sessions of a host on the real kernel: started, read, ended by themselves or stopped, found again by their id.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect } from "vitest";
import { EventKind } from "../../../../services/gen/systemsmanager/trace/v1/event_pb.js";
import {
  type EventAccount,
  TraceDetail,
  TraceState,
} from "../../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import { waitFor } from "../../../shared/wait-for.js";
import { withDoers } from "../aggregate/aggregation-under-test.js";
import { describe, test } from "../require-tracing.js";
import { readTraceSession, startTraceSession, stopTraceSession, useProvider } from "./provider-under-test.js";

const call = useProvider();
const minute = durationFromMs(60_000);
let folder: string;
let sessions = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trace-session-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function nextId(): string {
  return `test-${process.pid}-${sessions++}`;
}

/** Opens of files below the folder. */
function opens(keep = 0) {
  const question = { case: "events" as const, value: { kinds: [EventKind.FILE_OPEN], keep } };
  return { question, filter: { paths: [folder] } };
}

async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error) => ErrorReason[errorDetailOf(error)?.reason ?? 0],
  );
}

/** Opens this file once for each number, in another process. */
function openOften(file: string, times: number): void {
  const program = `const fs = require("fs"); for (let i = 0; i < ${times}; i++) fs.closeSync(fs.openSync(${JSON.stringify(file)}));`;
  execFileSync(process.execPath, ["-e", program]);
}

function expectIdentity({
  attempted,
  filtered,
  rateLimited,
  ringFull,
  noScratch,
  unreadable,
  undelivered,
  delivered,
}: EventAccount) {
  expect(filtered + rateLimited + ringFull + noScratch + unreadable + undelivered + delivered).toBe(attempted);
}

describe("a session of events", () => {
  test("tells who opened which file, as a message and as a line, and nothing that its filter keeps out", async () => {
    const sessionId = nextId();
    const file = join(folder, "opened");
    writeFileSync(file, "");
    const started = await call(startTraceSession, { sessionId, question: opens(), duration: minute });
    expect(started).toMatchObject({ sessionId, backend: "bpf" });
    openOften(file, 3);
    const { reading } = await call(stopTraceSession, { sessionId });
    expect(reading).toMatchObject({ state: TraceState.STOPPED, detail: TraceDetail.FULL, backend: "bpf" });
    expect(reading?.events).toHaveLength(3);
    for (const { line, event } of reading?.events ?? []) {
      expect(line).toMatch(new RegExp(`^node\\[\\d+\\] open ${file} = \\d+$`));
      expect(event).toMatchObject({
        kind: EventKind.FILE_OPEN,
        detail: { case: "file", value: { path: { path: file } } },
      });
      expect(event?.process).toMatchObject({ comm: "node", parentPid: process.pid, userId: process.getuid?.() });
      expect(event?.process?.ancestors.length).toBeGreaterThan(0);
      expect(Math.abs(Number(event?.time?.seconds) - Date.now() / 1000)).toBeLessThan(60);
    }
    const [account] = reading?.accounts ?? [];
    expect(account).toMatchObject({ name: "fileOpen", delivered: 3n, undelivered: 0n });
    expectIdentity(account as EventAccount);
  });

  test("shows the newest and counts all", async () => {
    const sessionId = nextId();
    await call(startTraceSession, { sessionId, question: opens(5), duration: minute });
    for (let number = 0; number < 12; number++) writeFileSync(join(folder, `number-${number}`), "");
    openOften(join(folder, "number-0"), 20);
    const { reading } = await call(stopTraceSession, { sessionId });
    expect(reading?.events).toHaveLength(5);
    // What the test itself does is the daemon's own here, and is not told.
    expect(reading?.accounts[0]?.delivered).toBe(20n);
  });

  test("is read while it runs, and figures only grow", async () => {
    const sessionId = nextId();
    await call(startTraceSession, { sessionId, question: opens(), duration: minute });
    const file = join(folder, "growing");
    writeFileSync(file, "");
    let before = 0n;
    for (let round = 1; round <= 3; round++) {
      const opened = BigInt(2 * round);
      openOften(file, 2);
      await waitFor(async () => {
        const { reading } = await call(readTraceSession, { sessionId });
        expect(reading?.state).toBe(TraceState.RUNNING);
        // Undelivered is also what somebody elsewhere opens at this moment and the filter has not seen yet.
        const { delivered = 0n, undelivered = 0n } = reading?.accounts[0] ?? {};
        expect(delivered + undelivered).toBeGreaterThanOrEqual(opened);
        expect(delivered).toBeGreaterThanOrEqual(before);
        expect(delivered).toBeLessThanOrEqual(opened);
        before = delivered;
        return delivered === opened;
      }, `${opened} opens to be delivered`);
    }
    const { reading } = await call(stopTraceSession, { sessionId });
    expect(reading?.accounts).toMatchObject([{ delivered: 6n, undelivered: 0n }]);
  });

  test("ends by itself, and is found afterwards with all that it saw", async () => {
    const sessionId = nextId();
    const file = join(folder, "ending");
    writeFileSync(file, "");
    await withDoers(1, async ([doer]) => {
      const open = (times: number) => doer?.do(`open(my $f, "<", "${file}") or die for (1..${times})`);
      const stateNow = async () => (await call(readTraceSession, { sessionId })).reading?.state;
      await call(startTraceSession, { sessionId, question: opens(), duration: durationFromMs(700) });
      await open(4);
      await waitFor(async () => (await stateNow()) !== TraceState.RUNNING, "the end", 1_000);
      await open(1);
      const { reading } = await call(readTraceSession, { sessionId });
      expect(reading).toMatchObject({ state: TraceState.ENDED });
      expect(reading?.events).toHaveLength(4);
      expect((await call(stopTraceSession, { sessionId })).reading).toEqual(reading);
    });
  });

  test("costs too much: it tells less, says so, and still counts", async () => {
    const sessionId = nextId();
    const file = join(folder, "storm");
    writeFileSync(file, "");
    await call(startTraceSession, { sessionId, question: opens(), duration: minute, cpuBudget: 0.0001 });
    const storm = spawn(process.execPath, [
      "-e",
      `const fs = require("fs"); const end = Date.now() + 3500; while (Date.now() < end) fs.closeSync(fs.openSync(${JSON.stringify(file)}));`,
    ]);
    await once(storm, "exit");
    const { reading } = await call(stopTraceSession, { sessionId });
    expect(reading?.detail).toBe(TraceDetail.COUNTS_ONLY);
    const [account] = reading?.accounts ?? [];
    expect(account?.rateLimited).toBeGreaterThan(0n);
    expectIdentity(account as EventAccount);
  });
});

describe("sessions", () => {
  test("a second start with the same id and question finds the first; another question is refused", async () => {
    const request = { sessionId: nextId(), question: opens(), duration: minute };
    const first = await call(startTraceSession, request);
    expect(await call(startTraceSession, request)).toEqual(first);
    expect(await reasonOf(call(startTraceSession, { ...request, question: opens(7) }))).toBe("INVALID_ARGUMENT");
    await call(stopTraceSession, { sessionId: request.sessionId });
  });

  test("with different filters run side by side and know nothing of each other", async () => {
    const [one, other] = [nextId(), nextId()];
    const files = [join(folder, "left"), join(folder, "right")];
    for (const file of files) writeFileSync(file, "");
    const ofFile = (file: string) => ({ ...opens(), filter: { paths: [file] } });
    await call(startTraceSession, { sessionId: one, question: ofFile(files[0] as string), duration: minute });
    await call(startTraceSession, { sessionId: other, question: ofFile(files[1] as string), duration: minute });
    openOften(files[0] as string, 2);
    openOften(files[1] as string, 5);
    const deliveredOf = async (sessionId: string) =>
      (await call(stopTraceSession, { sessionId })).reading?.accounts[0]?.delivered;
    expect([await deliveredOf(one), await deliveredOf(other)]).toEqual([2n, 5n]);
  });

  test("a ninth is BUSY, and one that ended makes room", async () => {
    const ids = Array.from({ length: 8 }, nextId);
    for (const sessionId of ids) await call(startTraceSession, { sessionId, question: opens(), duration: minute });
    const ninth = { sessionId: nextId(), question: opens(), duration: minute };
    expect(await reasonOf(call(startTraceSession, ninth))).toBe("BUSY");
    await call(stopTraceSession, { sessionId: ids[0] as string });
    await call(startTraceSession, ninth);
    for (const sessionId of [...ids.slice(1), ninth.sessionId]) await call(stopTraceSession, { sessionId });
  });

  test("an unknown id is UNKNOWN_SESSION, and a process that is gone UNKNOWN_PROCESS, which leaves the id free", async () => {
    expect(await reasonOf(call(readTraceSession, { sessionId: "nobody" }))).toBe("UNKNOWN_SESSION");
    const sessionId = nextId();
    const gone = { ...opens(), filter: { pids: [4_194_303] } };
    expect(await reasonOf(call(startTraceSession, { sessionId, question: gone, duration: minute }))).toBe(
      "UNKNOWN_PROCESS",
    );
    await call(startTraceSession, { sessionId, question: opens(), duration: minute });
    await call(stopTraceSession, { sessionId });
  });
});

test("a session of a profile tells where a busy process is, and the samples add up", async () => {
  const sessionId = nextId();
  const script = "function busyLoop() { for (;;) Math.sqrt(2); } busyLoop();";
  // It leaves a log of V8's where it runs.
  const busy = spawn(process.execPath, ["--perf-basic-prof", "-e", script], { cwd: folder });
  try {
    const map = `/tmp/perf-${busy.pid}.map`;
    await waitFor(() => existsSync(map) && readFileSync(map, "utf8").includes("busyLoop"), "its map to name the loop");
    const question = {
      question: { case: "profile" as const, value: { samplesPerSecond: 199 } },
      filter: { pids: [busy.pid as number] },
    };
    await call(startTraceSession, { sessionId, question, duration: minute });
    const delivered = async () => (await call(readTraceSession, { sessionId })).reading?.accounts[0]?.delivered ?? 0n;
    await waitFor(async () => (await delivered()) >= 100n, "samples");
    const { reading } = await call(stopTraceSession, { sessionId });
    expect(reading?.stacks[0]?.folded).toMatch(/^node;.*busyLoop/);
    const samples =
      (reading?.stacks ?? []).reduce((sum, stack) => sum + stack.samples, 0n) + (reading?.otherCount ?? 0n);
    expect(samples).toBe(reading?.accounts[0]?.delivered);
    const [hottest] = reading?.functions ?? [];
    expect(hottest?.function).toMatch(/^node .*busyLoop.*_\[j\]$/);
    expect(hottest?.totalSamples).toBeGreaterThanOrEqual(hottest?.selfSamples ?? 0n);
    // Each sample is in one function itself.
    expect(reading?.functions.reduce((sum, { selfSamples }) => sum + selfSamples, 0n)).toBe(samples);
    expectIdentity(reading?.accounts[0] as EventAccount);
  } finally {
    busy.kill("SIGKILL");
  }
});
