// FleetService.Trace: a session on many hosts as one stream, each interval an accounted run.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import type {
  TraceFinished,
  TraceInterval,
  TraceResponse,
  TraceStarted,
} from "../../../services/gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import {
  ReadTraceSessionRequestSchema,
  ReadTraceSessionResponseSchema,
  StartTraceSessionRequestSchema,
  StartTraceSessionResponseSchema,
} from "../../../services/gen/systemsmanager/telemetry/v1/trace_session_pb.js";
import { EventKind } from "../../../services/gen/systemsmanager/trace/v1/event_pb.js";
import { TraceState } from "../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import { ErrorReason } from "../../../services/shared/errors.js";
import { eventually } from "../run/eventually.js";
import { type FleetUnderTest, startFleet } from "../run/fleet-under-test.js";
import { type Behaviour, ok } from "../run/simulated-hosts.js";

let fleet: FleetUnderTest;
let stopped: string[];
let reads: number;

beforeEach(async () => {
  stopped = [];
  reads = 0;
  fleet = await startFleet({ usual: tracing });
});

afterEach(() => fleet.close());

/** A host that counts one more "nginx" and has one more event at each read. */
const tracing: Behaviour = async (call) => {
  const { method, request } = call.invocation;
  if (method.endsWith("/StartTraceSession")) {
    const { sessionId } = fromBinary(StartTraceSessionRequestSchema, request);
    return call.reply(
      ok(toBinary(StartTraceSessionResponseSchema, create(StartTraceSessionResponseSchema, { sessionId }))),
    );
  }
  const isStop = method.endsWith("/StopTraceSession");
  if (isStop) stopped.push(`${call.name} ${fromBinary(ReadTraceSessionRequestSchema, request).sessionId}`);
  else reads++;
  const sequence = BigInt(fleet.hosts.invoked.filter(({ hostId }) => hostId === call.hostId).length);
  const reading = {
    state: isStop ? TraceState.STOPPED : TraceState.RUNNING,
    rows: [{ key: "nginx", count: sequence }],
    accounts: [{ name: "exec", attempted: sequence, delivered: sequence }],
    events: [{ line: `nginx[7] exec \u001b[2J--password=hunter2 ${sequence}`, event: { cpu: 0, sequence } }],
  };
  return call.reply(ok(toBinary(ReadTraceSessionResponseSchema, create(ReadTraceSessionResponseSchema, { reading }))));
};

const refusing: Behaviour = (call) =>
  call.reply({
    outcome: ReplyOutcome.FAILED,
    message: "no BTF",
    error: { reason: ErrorReason.UNSUPPORTED, remedy: "use another kernel" },
  });

function request(selector = "all", durationMs = 3_000) {
  const question = { question: { case: "events" as const, value: { kinds: [EventKind.EXEC] } } };
  return { selector, question, duration: durationFromMs(durationMs), interval: durationFromMs(800) };
}

async function follow(responses: AsyncIterable<TraceResponse>) {
  const intervals: TraceInterval[] = [];
  let started: TraceStarted | undefined;
  let finished: TraceFinished | undefined;
  for await (const { event } of responses) {
    if (event.case === "started") started = event.value;
    if (event.case === "interval") intervals.push(event.value);
    if (event.case === "finished") finished = event.value;
  }
  return { started: started as TraceStarted, intervals, finished: finished as TraceFinished };
}

describe("a trace of a fleet", () => {
  test("starts everywhere, is merged at every interval, and is stopped at its end", async () => {
    await fleet.attach("one", "two", "three");
    const { started, intervals, finished } = await follow(fleet.client.trace(request()));
    expect(started.run?.accounting).toMatchObject({ targeted: 3, ok: 3 });
    expect(intervals.map(({ number }) => number)).toEqual([1, 2, 3]);
    for (const { run, merged } of intervals) {
      expect(run?.accounting).toMatchObject({ targeted: 3, ok: 3 });
      expect(merged?.state).toBe(TraceState.RUNNING);
    }
    const counts = intervals.map(({ merged }) => merged?.rows[0]?.count);
    expect(counts).toEqual([6n, 9n, 12n]);
    expect(finished.merged).toMatchObject({ state: TraceState.STOPPED, rows: [{ key: "nginx", count: 15n }] });
    expect(finished.rowHosts).toMatchObject([{ hosts: 3, greatestCount: 5n }]);
    expect(finished.summary?.text).toContain("nginx");
    expect(finished.hostEvents.map(({ host, events }) => [host, events.length])).toEqual(
      intervals[2]?.hostEvents.map(({ host }) => [host, 1]),
    );
    expect(stopped.sort()).toEqual(["one", "three", "two"].map((host) => `${host} ${started.sessionId}`));
  });

  test("tells each event once, with its host and safe to show, and counts what was not shown", async () => {
    await fleet.attach("one");
    const { intervals } = await follow(fleet.client.trace(request()));
    expect(
      intervals
        .flatMap(({ hostEvents }) => hostEvents)
        .map(({ host, events }) => [host, ...events.map(({ line }) => line)]),
    ).toEqual([
      ["one", "nginx[7] exec --password=[redacted] 2"],
      ["one", "nginx[7] exec --password=[redacted] 3"],
      ["one", "nginx[7] exec --password=[redacted] 4"],
    ]);
    // The first reading says that two were delivered, and shows one.
    expect(intervals[0]?.hostEvents[0]?.omittedCount).toBe(1n);
    expect(intervals[1]?.hostEvents[0]?.omittedCount).toBe(0n);
  });

  test("goes on without the hosts that cannot trace, and says why", async () => {
    await fleet.attach("can", "cannot");
    fleet.hosts.behave("cannot", refusing);
    const { started, intervals, finished } = await follow(fleet.client.trace(request()));
    expect(started.run?.accounting).toMatchObject({ targeted: 2, ok: 1, failed: 1 });
    expect(intervals[0]?.run?.accounting).toMatchObject({ targeted: 1, ok: 1 });
    expect(finished.run?.accounting).toMatchObject({ targeted: 1, ok: 1 });
  });

  test("ends at once with the reasons when no host can trace", async () => {
    await fleet.attach("cannot");
    fleet.hosts.behave("cannot", refusing);
    const { intervals, finished } = await follow(fleet.client.trace(request()));
    expect(intervals).toEqual([]);
    expect(finished.summary?.text).toContain("no BTF");
  });

  test("is stopped on its hosts when the caller leaves", async () => {
    await fleet.attach("one", "two");
    const leaving = new AbortController();
    const responses = fleet.client.trace(request("all", 60_000), { signal: leaving.signal });
    const following = follow(responses).catch((error: unknown) => error);
    await eventually(() => expect(reads).toBeGreaterThan(0));
    leaving.abort();
    expect(await following).toBeInstanceOf(Error);
    await eventually(() => expect(stopped).toHaveLength(2));
  });

  test("leaves no run of an interval behind: only its start and its end are kept", async () => {
    await fleet.attach("one");
    await follow(fleet.client.trace(request()));
    const { runs } = await fleet.client.listRuns({});
    expect(runs.map(({ method }) => method.split("/")[1])).toEqual(["StopTraceSession", "StartTraceSession"]);
  });

  test.each([
    ["an unknown host", { selector: "nobody" }],
    ["no question", { question: {} }],
    ["no duration", { duration: undefined }],
    ["an interval of a millisecond", { interval: durationFromMs(1) }],
  ])("is refused for %s", async (_, wrong) => {
    await fleet.attach("one");
    await expect(follow(fleet.client.trace({ ...request(), ...wrong } as never))).rejects.toThrow();
    expect(fleet.hosts.invoked).toEqual([]);
  });

  test("has an id of its own", async () => {
    await fleet.attach("one");
    const [first, second] = await Promise.all([1, 2].map(() => follow(fleet.client.trace(request("one", 300)))));
    expect(first?.started.sessionId).not.toBe(second?.started.sessionId);
    expect(first?.started.sessionId).toMatch(/^trace-[0-9a-f-]{36}$/);
  });
});
