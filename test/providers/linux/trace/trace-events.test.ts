// Events of this kernel on a server stream of a daemon's own address, with clients that read, do not read, or vanish.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect } from "vitest";
import { type Daemon, startDaemon } from "../../../../services/daemon/start-daemon.js";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { EventKind } from "../../../../services/gen/systemsmanager/trace/v1/event_pb.js";
import { type EventAccount, TraceState } from "../../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import {
  type TraceEventsResponse,
  TraceService,
} from "../../../../services/gen/systemsmanager/trace/v1/trace_service_pb.js";
import { generateSigningKey } from "../../../../services/identity/signing-key.js";
import { createLinuxProvider } from "../../../../services/providers/linux/linux-provider.js";
import type { OSProvider } from "../../../../services/providers/os-provider.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import { testLog } from "../../../daemon/test-path.js";
import { heldBy } from "../held-in-kernel.js";
import { describe, test } from "../require-tracing.js";

const token = "the token";
const observed: string[] = [];
let folder: string;
let provider: OSProvider;
let daemon: Daemon;
let idlePrograms: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "trace-events-"));
  provider = await createLinuxProvider({ log: testLog });
  daemon = await startDaemon({
    provider,
    relayUrls: [],
    fleetId: "test",
    verifyingKey: generateSigningKey().verifyingKey,
    stateDirectory: join(folder, "state"),
    listen: { host: "127.0.0.1", port: 0, token },
    observers: [
      (next) => (request) => {
        observed.push(request.method.name);
        return next(request);
      },
    ],
    log: testLog,
  });
  idlePrograms = heldPrograms();
});

afterAll(async () => {
  await daemon.close();
  await provider.close();
  rmSync(folder, { recursive: true });
});

function connect(given = token): { trace: Client<typeof TraceService>; vanish(): void } {
  const baseUrl = daemon.directUrl as string;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${given}`);
        return next(request);
      },
    ],
  });
  return { trace: createClient(TraceService, transport), vanish: () => sessionManager.abort() };
}

/** Opens of files below the folder; the whole of a CPU may go into them. */
function opens(milliseconds: number) {
  const filter = { paths: [folder] };
  return { kinds: [EventKind.FILE_OPEN], filter, duration: durationFromMs(milliseconds), cpuBudget: 1 };
}

function makeFile(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, "");
  return file;
}

const openFor = `const fs = require("fs"); const [file, ms] = process.argv.slice(1); const end = Date.now() + Number(ms);
  let opened = 0; for (; Date.now() < end; opened++) fs.closeSync(fs.openSync(file)); console.log(opened);`;

async function openDuring(file: string, milliseconds: number): Promise<number> {
  const storm = spawn(process.execPath, ["-e", openFor, file, `${milliseconds}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = await once(storm.stdout, "data");
  return Number(text);
}

function openOnce(file: string): void {
  spawnSync("/bin/dd", [`if=${file}`, "of=/dev/null"]);
}

function expectIdentity({ $typeName: _, $unknown: __, name, attempted, ...ends }: EventAccount) {
  const sum = Object.values(ends).reduce((total, count) => total + count, 0n);
  expect({ name, attempted: sum }).toEqual({ name, attempted });
}

async function reasonOf(responses: AsyncIterable<unknown>): Promise<string | undefined> {
  return responses[Symbol.asyncIterator]()
    .next()
    .then(
      () => undefined,
      (error) => ErrorReason[errorDetailOf(error).reason],
    );
}

const heldPrograms = () => heldBy(process.pid).programs.length;

test("events come as they happen, and accounts with them; the filter lets nothing else through; the duration ends it", async () => {
  const file = makeFile("opened");
  const responses: TraceEventsResponse[] = [];
  let opened = 0;
  let cameAfter = 0;
  for await (const response of connect().trace.traceEvents(opens(2_500))) {
    responses.push(response);
    if (responses.length === 1) {
      opened = performance.now();
      openOnce(file);
      openOnce("/etc/hostname");
    }
    if (response.events.length > 0) cameAfter ||= performance.now() - opened;
  }
  const [first] = responses;
  expect(first).toMatchObject({ backend: "bpf", events: [], accounts: [] });
  expect(first?.notes.length).toBeGreaterThan(0);
  const events = responses.flatMap((response) => response.events);
  expect(events).toHaveLength(1);
  // Not only at the end.
  expect(cameAfter).toBeLessThan(2_000);
  expect(events[0]).toMatchObject({
    kind: EventKind.FILE_OPEN,
    process: { comm: "dd", parentPid: process.pid, userId: process.getuid?.() },
    detail: { case: "file", value: { path: { path: file, resolved: true }, flags: 0 } },
  });
  expect(events[0]?.process?.ancestors.length).toBeGreaterThan(0);
  const told = responses.filter(({ accounts }) => accounts.length > 0);
  expect(told.length).toBeGreaterThanOrEqual(3);
  for (const { accounts } of told) expectIdentity(accounts[0] as EventAccount);
  expect(told.map(({ state }) => state)).toEqual([...told.slice(1).map(() => TraceState.RUNNING), TraceState.ENDED]);
  expect(told.at(-1)?.accounts[0]).toMatchObject({ name: "fileOpen", delivered: 1n, undelivered: 0n });
  expect(performance.now() - opened).toBeLessThan(10_000);
  expect(observed).toContain("TraceEvents");
});

test("a client that stops reading costs no memory: the ring fills, drops are counted, and all adds up to the unit", async () => {
  const file = makeFile("storm");
  const responses = connect().trace.traceEvents(opens(9_000))[Symbol.asyncIterator]();
  await responses.next();
  const before = process.memoryUsage().rss;
  // Ring, batches and the windows of the connection are full after the first second.
  const first = await openDuring(file, 1_000);
  await sleep(200);
  const full = process.memoryUsage().rss;
  const second = await openDuring(file, 2_000);
  await sleep(200);
  const after = process.memoryUsage().rss;
  expect(full - before).toBeLessThan(96 * 1024 * 1024);
  expect(after - full).toBeLessThan(16 * 1024 * 1024);
  let received = 0;
  let last: TraceEventsResponse | undefined;
  const dropped: bigint[] = [];
  for (let next = await responses.next(); !next.done; next = await responses.next()) {
    last = next.value;
    received += last.events.length;
    expect(last.events.length).toBeLessThanOrEqual(1_000);
    for (const account of last.accounts) {
      expectIdentity(account);
      dropped.push(account.ringFull);
    }
  }
  const [account] = last?.accounts ?? [];
  expect(account?.ringFull).toBeGreaterThan(0n);
  expect(dropped).toEqual([...dropped].sort((one, other) => Number(one - other)));
  expect(account).toMatchObject({ delivered: BigInt(received), undelivered: 0n });
  const { attempted = 0n, filtered = 0n } = account ?? {};
  // What the storm opened, and the few files that its processes open below the folder beside it: none.
  expect(attempted - filtered).toBe(BigInt(first + second));
});

describe("a client that vanishes leaves nothing in the kernel", () => {
  test.each([
    ["while it waits", 0],
    ["while it does not take what there is", 1_500],
  ])("%s", async (_what, stormMs) => {
    // The kernel's part of those before goes after their end was told.
    await expect.poll(heldPrograms, { timeout: 10_000 }).toBe(idlePrograms);
    const held = heldPrograms();
    const { trace, vanish } = connect();
    const responses = trace.traceEvents(opens(60_000))[Symbol.asyncIterator]();
    await responses.next();
    expect(heldPrograms()).toBeGreaterThan(held);
    if (stormMs > 0) await openDuring(makeFile("vanishing"), stormMs);
    vanish();
    await responses.next().catch(() => undefined);
    await expect.poll(heldPrograms, { timeout: 3_000 }).toBe(held);
  });
});

test("streams count towards the limit of sessions, with those that are read, and one that ended makes room", async () => {
  const { trace, vanish } = connect();
  const streams = Array.from({ length: 7 }, () => trace.traceEvents(opens(60_000))[Symbol.asyncIterator]());
  for (const stream of streams) await stream.next();
  const context = { signal: new AbortController().signal, log: testLog };
  const { method } = TelemetryService;
  const question = { question: { case: "events" as const, value: { kinds: [EventKind.EXEC] } } };
  const request = { sessionId: "beside-streams", question, duration: durationFromMs(60_000) };
  await provider.telemetry.startTraceSession(create(method.startTraceSession.input, request), context);
  expect(await reasonOf(trace.traceEvents(opens(1_000)))).toBe("BUSY");
  await provider.telemetry.stopTraceSession(
    create(method.stopTraceSession.input, { sessionId: request.sessionId }),
    context,
  );
  const ninth = trace.traceEvents(opens(60_000))[Symbol.asyncIterator]();
  expect((await ninth.next()).value).toMatchObject({ backend: "bpf" });
  vanish();
  await Promise.allSettled([...streams, ninth].map((stream) => stream.next()));
});

test.each([
  ["without the token", "wrong", {}, "UNAUTHENTICATED"],
  ["without a kind", token, { kinds: [] }, "INVALID_ARGUMENT"],
  ["with a kind that there is not", token, { kinds: [99] }, "INVALID_ARGUMENT"],
  ["for longer than an hour", token, { duration: durationFromMs(3_600_001) }, "INVALID_ARGUMENT"],
  ["of a process that is gone", token, { filter: { pids: [4_194_303] } }, "UNKNOWN_PROCESS"],
])("a stream %s is refused", async (_what, given, wrong, reason) => {
  expect(await reasonOf(connect(given).trace.traceEvents({ ...opens(1_000), ...wrong }))).toBe(reason);
});
