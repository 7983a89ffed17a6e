import { afterEach, describe, expect, test } from "vitest";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason } from "../../../services/shared/errors.js";
import { ask } from "./ask.js";
import { collect } from "./collect.js";
import { type FleetUnderTest, services, silence, startFleet } from "./fleet-under-test.js";
import { type Behaviour, ok, type SimulatedCall } from "./simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

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
    let said: () => void = () => {};
    const hasSaid = new Promise<void>((resolve) => {
      said = resolve;
    });
    fleet.hosts.behave("bad", async (call) => {
      await behaviour(call);
      said();
    });
    // The last word of a run is "good"'s, so that everything "bad" says comes before the end.
    fleet.hosts.behave("good", (call) => {
      void hasSaid.then(() => call.reply(ok(services("nginx.service"))));
    });
    const { run } = await collect(ask(fleet, "all", 1));
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
    const { run } = await collect(ask(fleet));
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId } });
    expect(items[0]?.error).toMatchObject({
      reason: ErrorReason.UNKNOWN_UNIT,
      message: "no such unit token=[redacted]",
      remedy: "list the units",
      metadata: { unit: "x" },
    });
  });
});

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
