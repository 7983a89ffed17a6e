import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, test } from "vitest";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { ManageServiceRequestSchema } from "../../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { ListServicesRequestSchema } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { collect, readStarted } from "./collect.js";
import { eventually } from "./eventually.js";
import { answers, type FleetUnderTest, listServices, services, silence, startFleet } from "./fleet-under-test.js";
import { type Behaviour, hostIdOf, ok, type SimulatedCall } from "./simulated-hosts.js";

const manageService = "systemsmanager.mutation.v1.MutationService/ManageService";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

function ask(selector = "all", seconds = 5) {
  return fleet.client.run({ selector, method: listServices, timeout: durationFromMs(seconds * 1000) });
}

async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (cause) => cause,
  );
  return error === undefined ? undefined : ErrorReason[errorDetailOf(error).reason];
}

describe("every simulated host answers", () => {
  test("started, progress, finished, and a true accounting", async () => {
    fleet = await startFleet();
    await fleet.attach("web-1", "web-2", "db-1");
    const { started, run, accounting } = await collect(ask());
    expect(started).toMatchObject({ runId: run.runId, targeted: 3 });
    expect(accounting).toMatchObject({ targeted: 3, ok: 3, queued: 0, noAnswer: 0 });
    expect(run).toMatchObject({ method: listServices, selector: "all", principal: "local", revision: 1, planHash: "" });
    expect(run.finishedAt).toBeDefined();
  });

  test("the command is for the frozen hosts alone, with the operation's request and a shorter deadline", async () => {
    fleet = await startFleet();
    await fleet.attach("web-1", "web-2", "db-1");
    const request = toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, { limit: 7 }));
    const method = listServices;
    await collect(fleet.client.run({ selector: "web-2, web-1", method, request, timeout: { seconds: 5n } }));
    expect(fleet.hosts.invoked.map(({ hostId }) => hostId).sort()).toEqual(
      [hostIdOf("web-1"), hostIdOf("web-2")].sort(),
    );
    const [command] = fleet.hosts.commands;
    const invocation = command?.action.case === "invocation" ? command.action.value : undefined;
    expect(fromBinary(ListServicesRequestSchema, invocation?.request as Uint8Array).limit).toBe(7);
    expect(invocation).toMatchObject({ method, timeoutMilliseconds: 4500 });
    expect(invocation?.grant).toBeUndefined();
  });

  test("progress comes when something changed, at most every 100 ms", async () => {
    const late: Behaviour = async (call) => {
      await sleep(Number(call.name.slice(2)) * 30);
      await call.reply(ok(services("a.service")));
    };
    fleet = await startFleet({ usual: (call) => void late(call) });
    await fleet.attach(...Array.from({ length: 12 }, (_, index) => `h-${index}`));
    const began = performance.now();
    const { progress } = await collect(ask());
    const most = Math.ceil((performance.now() - began) / 100);
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.length).toBeLessThanOrEqual(most);
    const counts = progress.map(({ accounting }) => accounting?.ok ?? 0);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });
});

describe("simulated hosts that misbehave", () => {
  const cases: [string, Behaviour, Record<string, number>, HostState][] = [
    ["answers twice", async (call) => twice(call), { ok: 1, duplicateReplies: 1 }, HostState.OK],
    ["says nothing", silence, { noAnswer: 1 }, HostState.NO_ANSWER],
    ["answers with a wrong digest", wrongDigest, { noAnswer: 1, invalidReplies: 1 }, HostState.NO_ANSWER],
    ["answers for a host that is no target", foreign, { noAnswer: 1, invalidReplies: 1 }, HostState.NO_ANSWER],
    ["answers another command", otherCommand, { noAnswer: 1, invalidReplies: 1 }, HostState.NO_ANSWER],
    ["answers with no outcome", (call) => call.reply({}), { noAnswer: 1, invalidReplies: 1 }, HostState.NO_ANSWER],
    [
      "answers with bytes that are no response",
      (call) => call.reply(ok(Buffer.from([255, 255]))),
      { failed: 1 },
      HostState.FAILED,
    ],
    ["fails", outcome(ReplyOutcome.FAILED), { failed: 1 }, HostState.FAILED],
    ["denies", outcome(ReplyOutcome.DENIED), { denied: 1 }, HostState.DENIED],
    ["got it too late", outcome(ReplyOutcome.EXPIRED), { expired: 1 }, HostState.EXPIRED],
    ["stopped in the middle", outcome(ReplyOutcome.INDETERMINATE), { indeterminate: 1 }, HostState.INDETERMINATE],
  ];
  test.each(cases)("one that %s", async (_what, behaviour, expected, state) => {
    fleet = await startFleet();
    await fleet.attach("good", "bad");
    fleet.hosts.behave("bad", behaviour);
    fleet.hosts.behave("good", async (call) => {
      // The last word of a run is "good"'s, so that everything "bad" says comes before the end.
      await sleep(150);
      await call.reply(ok(services("nginx.service")));
    });
    const { run } = await collect(ask("all", 0.4));
    const zero = {
      failed: 0,
      denied: 0,
      expired: 0,
      noAnswer: 0,
      indeterminate: 0,
      duplicateReplies: 0,
      invalidReplies: 0,
    };
    expect(run.accounting).toMatchObject({ targeted: 2, queued: 0, ...zero, ...expected, ok: 1 + (expected.ok ?? 0) });
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId }, host: "bad" });
    expect(items[0]?.state).toBe(state);
  });

  test("a failure keeps its reason, cleaned message and remedy", async () => {
    const hostile = "no such unit\u001b[31m\u202e token=abcdef123456";
    fleet = await startFleet({
      usual: (call) =>
        call.reply({
          outcome: ReplyOutcome.FAILED,
          message: hostile,
          error: { reason: ErrorReason.UNKNOWN_UNIT, remedy: "list the units", metadata: { unit: "x" } },
        }),
    });
    await fleet.attach("h");
    const { run } = await collect(ask());
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId } });
    expect(items[0]?.error).toMatchObject({
      reason: ErrorReason.UNKNOWN_UNIT,
      message: "no such unit token=[redacted]",
      remedy: "list the units",
      metadata: { unit: "x" },
    });
  });
});

describe("hosts that are away", () => {
  test("a host that is offline at the start of a read is no_answer at once, and the error says since when", async () => {
    fleet = await startFleet();
    await fleet.attach("here", "gone");
    await fleet.detach("gone");
    const began = performance.now();
    const { accounting, run } = await collect(ask("all", 30));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(accounting).toMatchObject({ targeted: 2, ok: 1, noAnswer: 1 });
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId }, host: "gone" });
    expect(items[0]?.error?.reason).toBe(ErrorReason.UNREACHABLE);
    expect(items[0]?.error?.message).toMatch(/offline since \d{4}-\d\d-\d\dT/);
  });

  test("a host that detaches in mid-run is no_answer after the grace, long before the deadline", async () => {
    fleet = await startFleet({
      usual: (call) => (call.name === "dies" ? undefined : call.reply(ok(services("a.service")))),
    });
    await fleet.attach("lives", "dies");
    const began = performance.now();
    const collected = collect(ask("all", 30));
    await eventually(() => expect(fleet.hosts.invoked).toHaveLength(2));
    await fleet.detach("dies");
    const { accounting } = await collected;
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(accounting).toMatchObject({ ok: 1, noAnswer: 1 });
  });

  test("a host that is back within the grace is still waited for", async () => {
    let call: SimulatedCall | undefined;
    fleet = await startFleet({
      patience: { detachGraceMs: 500, changeGraceMs: 500 },
      usual: (each) => {
        call = each;
      },
    });
    await fleet.attach("flaps");
    const collected = collect(ask("all", 30));
    await eventually(() => expect(call).toBeDefined());
    await fleet.detach("flaps");
    await fleet.attach("flaps");
    await sleep(700);
    await call?.reply(ok(services("a.service")));
    expect((await collected).accounting).toMatchObject({ ok: 1, noAnswer: 0, lateReplies: 0 });
  });

  test("a late answer after the end makes revision 2, durably", async () => {
    let call: SimulatedCall | undefined;
    fleet = await startFleet({
      usual: (each) => {
        call = each;
      },
    });
    await fleet.attach("slow");
    const { run } = await collect(
      fleet.client.run({ selector: "all", method: listServices, timeout: { nanos: 200_000_000 } }),
    );
    expect(run).toMatchObject({ revision: 1, accounting: { noAnswer: 1, ok: 0 } });
    await call?.reply(ok(services("a.service")));
    const runId = run.runId;
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.revision).toBe(2));
    await fleet.restart();
    const { run: again } = await fleet.client.getRun({ runId });
    expect(again).toMatchObject({ revision: 2, accounting: { noAnswer: 0, ok: 1, lateReplies: 1 } });
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: runId } });
    expect(JSON.parse(items[0]?.answerJson ?? "")).toMatchObject({ services: [{ name: "a.service" }] });
  });
});

describe("the end of a run", () => {
  test("a read returns at its deadline with what it has", async () => {
    fleet = await startFleet();
    await fleet.attach("good", "silent");
    fleet.hosts.behave("silent", silence);
    const began = performance.now();
    const { accounting } = await collect(ask("all", 1));
    const took = performance.now() - began;
    expect(accounting).toMatchObject({ ok: 1, noAnswer: 1 });
    expect(took).toBeGreaterThanOrEqual(990);
    expect(took).toBeLessThan(1_500);
  });

  test("cancel ends it, tells the hosts that have not answered, and the stream finishes", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("good", "silent-1", "silent-2");
    fleet.hosts.behave("good", answers);
    const { runId, rest } = await readStarted(ask("all", 30));
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
    const { run } = await fleet.client.cancelRun({ runId });
    expect(run?.accounting).toMatchObject({ ok: 1, cancelled: 2, queued: 0 });
    let last: unknown;
    for (let next = await rest.next(); !next.done; next = await rest.next()) last = next.value;
    expect(last).toMatchObject({ event: { case: "finished" } });
    const cancellation = fleet.hosts.commands.at(-1);
    expect(cancellation?.action).toMatchObject({
      case: "cancellation",
      value: { commandId: fleet.hosts.commands[0]?.commandId },
    });
    expect(cancellation?.targetCount).toBe(2);
  });

  test("cancelling a finished run leaves it as it is", async () => {
    fleet = await startFleet();
    await fleet.attach("h");
    const { run } = await collect(ask());
    const { run: after } = await fleet.client.cancelRun({ runId: run.runId });
    expect(after).toEqual(run);
  });

  test("a caller that goes away does not end the run", async () => {
    let call: SimulatedCall | undefined;
    fleet = await startFleet({
      usual: (each) => {
        call = each;
      },
    });
    await fleet.attach("h");
    const caller = new AbortController();
    const stream = fleet.client.run(
      { selector: "all", method: listServices, timeout: { seconds: 30n } },
      { signal: caller.signal },
    );
    const { runId, rest } = await readStarted(stream);
    caller.abort();
    await expect(rest.next()).rejects.toThrow();
    await eventually(() => expect(call).toBeDefined());
    await call?.reply(ok(services("a.service")));
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run).toMatchObject({ accounting: { ok: 1, queued: 0 } });
      expect(run?.finishedAt).toBeDefined();
    });
  });
});

describe("a restart of the control plane in mid-run", () => {
  test("goes on with the run: answers are kept and late ones still taken", async () => {
    let held: SimulatedCall | undefined;
    fleet = await startFleet({ usual: answers });
    await fleet.attach("fast", "slow");
    fleet.hosts.behave("slow", (call) => {
      held = call;
    });
    const { runId } = await readStarted(ask("all", 30));
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
    await fleet.restart();
    expect((await fleet.client.getRun({ runId })).run).toMatchObject({ accounting: { targeted: 2, ok: 1, queued: 1 } });
    await held?.reply(ok(services("late.service")));
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run?.accounting).toMatchObject({ ok: 2, queued: 0, lateReplies: 0 });
      expect(run?.finishedAt).toBeDefined();
    });
  });

  test("an answer that came while it was down is taken at the start", async () => {
    let held: SimulatedCall | undefined;
    fleet = await startFleet({
      usual: (call) => {
        held = call;
      },
    });
    await fleet.attach("h");
    const { runId } = await readStarted(ask("all", 30));
    await eventually(() => expect(held).toBeDefined());
    await fleet.stop();
    await held?.reply(ok(services("a.service")));
    await fleet.restart();
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
  });

  test("a caller that followed the run is told that the control plane stops, and where its answers will be", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("h");
    const { runId, rest } = await readStarted(ask("all", 30));
    const next = rest.next();
    const told = expect(next).rejects.toThrow(new RegExp(`stopping.*read the run ${runId}`));
    await fleet.stop();
    await told;
  });

  test("a host that is not attached again is no_answer after the grace, not at the deadline", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("h");
    const { runId } = await readStarted(ask("all", 30));
    await fleet.stop();
    await fleet.hosts.detach("h");
    await fleet.restart();
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run?.accounting).toMatchObject({ noAnswer: 1, queued: 0 });
    });
  });

  test("a run whose deadline passed meanwhile is closed with no_answer", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("h");
    const { runId } = await readStarted(
      fleet.client.run({ selector: "all", method: listServices, timeout: { nanos: 300_000_000 } }),
    );
    await fleet.stop();
    await sleep(400);
    await fleet.restart();
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run?.accounting).toMatchObject({ noAnswer: 1, queued: 0 });
      expect(run?.finishedAt).toBeDefined();
    });
  });
});

describe("a run is refused before anything is sent", () => {
  test("a mutation that is no dry run: PLAN_REQUIRED names PlanChange", async () => {
    fleet = await startFleet();
    await fleet.attach("h");
    const request = toBinary(ManageServiceRequestSchema, create(ManageServiceRequestSchema, { name: "a", action: 1 }));
    const call = collect(fleet.client.run({ selector: "all", method: manageService, request }));
    await expect(call).rejects.toThrow(/PlanChange/);
    expect(await reasonOf(call)).toBe("PLAN_REQUIRED");
    expect(fleet.hosts.commands).toHaveLength(0);
  });

  test.each<[string, Parameters<FleetUnderTest["client"]["run"]>[0], string]>([
    ["a method that does not exist", { selector: "all", method: "x.Y/Z" }, "UNKNOWN_OPERATION"],
    [
      "bytes that are no request",
      { selector: "all", method: listServices, request: Buffer.from([255]) },
      "INVALID_ARGUMENT",
    ],
    [
      "a request against the schema's rules",
      { selector: "all", method: listServices, request: limit(99_999) },
      "INVALID_ARGUMENT",
    ],
    ["an empty selector", { selector: "", method: listServices }, "INVALID_ARGUMENT"],
    ["a blank selector", { selector: " ", method: listServices }, "INVALID_ARGUMENT"],
    ["an unknown host", { selector: "nobody", method: listServices }, "UNKNOWN_HOST"],
    [
      "a timeout of more than a day",
      { selector: "all", method: listServices, timeout: { seconds: 86401n } },
      "INVALID_ARGUMENT",
    ],
  ])("%s", async (_what, request, reason) => {
    fleet = await startFleet();
    await fleet.attach("h");
    expect(await reasonOf(collect(fleet.client.run(request)))).toBe(reason);
    expect(fleet.hosts.commands).toHaveLength(0);
  });

  test("one run too many: BUSY, and it is admitted when another one ended", async () => {
    fleet = await startFleet({ usual: silence, limits: { maxActiveRunsPerPrincipal: 2 } });
    await fleet.attach("h");
    const [first] = await Promise.all([readStarted(ask("all", 30)), readStarted(ask("all", 30))]);
    expect(await reasonOf(collect(ask()))).toBe("BUSY");
    await fleet.client.cancelRun({ runId: first.runId });
    await readStarted(ask("all", 30));
  });
});

test("two thousand simulated hosts are all accounted for", async () => {
  fleet = await startFleet();
  const names = Array.from({ length: 2_000 }, (_, index) => `h-${index}`);
  for (const name of names) await fleet.hosts.attach(name);
  await eventually(async () => expect((await fleet.client.findHosts({ selector: "all" })).matchedCount).toBe(2_000));
  const began = performance.now();
  const { accounting } = await collect(ask("all", 30));
  console.log(`2,000 simulated hosts answered in ${(performance.now() - began).toFixed(0)} ms`);
  expect(accounting).toMatchObject({ targeted: 2_000, ok: 2_000 });
});

function limit(value: number): Uint8Array {
  return toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, { limit: value }));
}

function outcome(value: ReplyOutcome): Behaviour {
  return (call) => call.reply({ outcome: value, message: "because", error: { reason: ErrorReason.INTERNAL } });
}

async function twice(call: SimulatedCall): Promise<void> {
  await call.reply(ok(services("a.service")));
  await call.reply(ok(services("b.service")));
}

function wrongDigest(call: SimulatedCall) {
  return call.reply({ ...ok(services("a.service")), bodyDigest: new Uint8Array(32) });
}

function foreign(call: SimulatedCall) {
  return call.reply({ ...ok(services("a.service")), hostId: "f".repeat(32) });
}

function otherCommand(call: SimulatedCall) {
  return call.reply({ ...ok(services("a.service")), commandId: "00000000-0000-4000-8000-000000000000" });
}
