// The control plane ends in the middle of a rollout and another one goes on.
import { afterEach, expect, test } from "vitest";
import { HaltReason, RolloutState } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import { eventually } from "../run/eventually.js";
import { type FleetInWaves, hosts, method, startFleetInWaves, waves } from "./fleet-in-waves.js";

let fleet: FleetInWaves;

afterEach(async () => {
  await fleet.close();
});

/** Ids of the commands that each host was sent the change with. */
function commandsByHost(): Map<string, Set<string>> {
  const commands = new Map<string, Set<string>>();
  for (const { hostId, command } of fleet.hosts.invoked) {
    const { action } = command;
    if (action.case !== "invocation" || action.value.method !== method || !action.value.grant) continue;
    commands.set(hostId, (commands.get(hostId) ?? new Set()).add(command.commandId));
  }
  return commands;
}

/** Starts a rollout of a canary and two waves of five, and restarts the control plane when the event has come so many times. */
async function restartAt(what: "change" | "list", times: number, pauseSeconds = 0n): Promise<string> {
  let seen = 0;
  const restarted = new Promise<void>((resolve) => {
    fleet.gate = (_name, event) => {
      if (event === what && ++seen === times) resolve(fleet.restart());
    };
  });
  const policy = waves({ batches: [hosts(5)], maxFailed: hosts(1), pause: { seconds: pauseSeconds } });
  const cut = await fleet.commit(policy).catch((error) => error);
  expect(String(cut)).toContain("the control plane is stopping");
  await restarted;
  const { runs } = await fleet.client.listRuns({});
  return runs.find((run) => run.planHash !== "")?.runId ?? "";
}

test.each([
  { step: "preparing the canary", what: "list", times: 1 },
  { step: "waiting for the canary", what: "change", times: 1 },
  { step: "checking the canary", what: "list", times: 2 },
  { step: "preparing the second wave", what: "list", times: 3 },
  { step: "waiting for the second wave", what: "change", times: 3 },
  { step: "checking the second wave", what: "list", times: 10 },
  { step: "waiting for the last wave", what: "change", times: 11 },
  { step: "checking the last wave", what: "list", times: 20 },
] as const)("a restart while $step sends each host one command, in the order of the waves", async ({ what, times }) => {
  fleet = await startFleetInWaves(11);
  const runId = await restartAt(what, times);
  await eventually(async () => {
    const { run, accounting } = await fleet.look(runId);
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED, wave: 3, countedHostCount: 0 });
    expect(accounting).toMatchObject({ targeted: 11, ok: 11 });
  });
  const commands = commandsByHost();
  expect(commands.size).toBe(11);
  for (const ids of commands.values()) expect(ids.size).toBe(1);
  const firsts = [...new Set(fleet.changed)];
  expect(firsts[0]).toBe(fleet.order[0]);
  expect(firsts.slice(1, 6).sort()).toEqual(fleet.order.slice(1, 6).sort());
});

test.each([
  { step: "waiting for the canary", what: "change", times: 1 },
  { step: "preparing the second wave", what: "list", times: 3 },
  { step: "waiting for the second wave", what: "change", times: 3 },
] as const)("a restart while $step skips no judgement", async ({ what, times }) => {
  fleet = await startFleetInWaves(11);
  for (const name of fleet.order.slice(2, 4)) fleet.effects.set(name, "fails");
  const runId = await restartAt(what, times);
  await eventually(async () => {
    const { run, accounting } = await fleet.look(runId);
    expect(run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 2, countedHostCount: 2 });
    expect(accounting).toMatchObject({ ok: 4, failed: 2, queued: 5 });
  });
  expect(commandsByHost().size).toBe(6);
});

test("a restart while pausing waits for the rest of the pause and checks", async () => {
  fleet = await startFleetInWaves(11);
  const sick = fleet.order.slice(1, 3);
  for (const name of sick) fleet.effects.set(name, "breaks a service");
  const runId = await restartAt("change", 1, 1n);
  await eventually(async () => expect((await fleet.look(runId)).run.rollout?.state).toBe(RolloutState.PAUSING));
  await fleet.restart();
  expect((await fleet.look(runId)).run.rollout).toMatchObject({ state: RolloutState.PAUSING, wave: 1 });
  await eventually(async () => {
    const { rollout } = (await fleet.look(runId)).run;
    expect(rollout).toMatchObject({ state: RolloutState.HALTED, wave: 2, unhealthyHostCount: 2 });
  });
});

test("a halted rollout is halted after a restart, and can be resumed then", async () => {
  fleet = await startFleetInWaves(11);
  fleet.effects.set(fleet.order[0] as string, "fails");
  const { run } = await fleet.commit(waves({ batches: [hosts(5)] }));
  await fleet.restart();
  const before = await fleet.look(run.runId);
  expect(before.run.rollout).toMatchObject({ state: RolloutState.HALTED, haltReason: HaltReason.CANARY_FAILED });
  expect(fleet.changed).toHaveLength(1);
  const { accounting } = await fleet.resume(run.runId);
  expect(accounting).toMatchObject({ ok: 10, failed: 1, queued: 0 });
});

test("an aborted rollout stays aborted after a restart", async () => {
  fleet = await startFleetInWaves(11);
  fleet.effects.set(fleet.order[0] as string, "fails");
  const { run } = await fleet.commit(waves());
  await fleet.client.cancelRun({ runId: run.runId });
  await fleet.restart();
  const { accounting, run: now, text } = await fleet.look(run.runId);
  expect(accounting).toMatchObject({ failed: 1, cancelled: 10 });
  expect(now.rollout?.state).toBe(RolloutState.ABORTED);
  expect(text).toContain("Why: it was cancelled");
});
