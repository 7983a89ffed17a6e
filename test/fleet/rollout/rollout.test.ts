import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { troubleQuestion } from "../../../services/fleet/rollout/troubled-services.js";
import { HaltReason, RolloutState } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import { ListServicesRequestSchema } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { eventually } from "../run/eventually.js";
import { expectIdentity, type FleetInWaves, hosts, percent, startFleetInWaves, waves } from "./fleet-in-waves.js";

let fleet: FleetInWaves;

afterEach(async () => {
  await fleet.close();
});

describe("a rollout", () => {
  test("goes over 100 hosts by default: 1, 10, 25, 25, 25 and 14, each host once, in the order of their ids", async () => {
    fleet = await startFleetInWaves(100);
    const { run, accounting, progress, summary } = await fleet.commit(waves());
    expect(accounting).toMatchObject({ targeted: 100, ok: 100, queued: 0 });
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED, wave: 6, waveCount: 6, sentHostCount: 100 });
    expect(run.rollout).toMatchObject({ haltReason: HaltReason.UNSPECIFIED, countedHostCount: 0, maxFailed: 2 });
    const sizes = [1, 10, 25, 25, 25, 14];
    let start = 0;
    for (const size of sizes) {
      const wave = fleet.changed.slice(start, start + size);
      expect(wave.sort()).toEqual(fleet.order.slice(start, start + size).sort());
      start += size;
    }
    expect(fleet.changed).toHaveLength(100);
    const told = progress.map(({ rollout }) => rollout?.wave);
    expect([...new Set(told)]).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { accounting: each } of progress) if (each) expectIdentity(each);
    expect(summary.text).toContain("Rollout finished: wave 6 of 6, sent to 100 of 100 hosts");
  });

  test("is not done on 9 hosts that nobody asked waves for", async () => {
    fleet = await startFleetInWaves(9);
    const { run, accounting } = await fleet.commit();
    expect(accounting).toMatchObject({ targeted: 9, ok: 9 });
    expect(run.rollout).toBeUndefined();
  });

  test("is not done where it is asked to go to all at once", async () => {
    fleet = await startFleetInWaves(12);
    fleet.effects.set("web-3", "fails");
    const { run, accounting } = await fleet.commit({ allAtOnce: true });
    expect(run.rollout).toBeUndefined();
    expect(accounting).toMatchObject({ targeted: 12, ok: 11, failed: 1 });
  });

  test("whose canary fails touches one host of 100, and says why and how to go on", async () => {
    fleet = await startFleetInWaves(100);
    const [canary = ""] = fleet.order;
    fleet.effects.set(canary, "fails");
    const { run, accounting, summary } = await fleet.commit(waves({ maxFailed: hosts(50) }));
    expect(fleet.changed).toEqual([canary]);
    expect(accounting).toMatchObject({ targeted: 100, failed: 1, queued: 99 });
    expect(run.finishedAt).toBeUndefined();
    expect(run.rollout).toMatchObject({
      state: RolloutState.HALTED,
      wave: 1,
      haltReason: HaltReason.CANARY_FAILED,
      countedHostCount: 1,
      countedHosts: [canary],
    });
    const lines = summary.text.split("\n").slice(1, 4);
    expect(lines).toEqual([
      "Rollout halted: wave 1 of 6, sent to 1 of 100 hosts",
      `Why: 1 failed or silent (${canary}); 0 may be in the canary`,
      `Way on: resume the run ${run.runId} for the other 99 hosts, or cancel it`,
    ]);
  });

  test("halts for silence as for failure", async () => {
    fleet = await startFleetInWaves(20, 1);
    for (const name of fleet.order.slice(1, 4)) fleet.effects.set(name, "silent");
    const { run, accounting } = await fleet.commit(waves({ batches: [hosts(5)], maxFailed: hosts(2) }));
    expect(accounting).toMatchObject({ ok: 3, noAnswer: 3, queued: 14 });
    expect(run.rollout).toMatchObject({
      state: RolloutState.HALTED,
      wave: 2,
      haltReason: HaltReason.BUDGET_EXCEEDED,
      countedHostCount: 3,
      countedHosts: fleet.order.slice(1, 4),
    });
    expect(fleet.changed).toHaveLength(6);
    const page = await fleet.client.openResult({ target: { case: "runId", value: run.runId }, state: 7 });
    expect(page.items[0]?.error?.message).toBe("the host did not answer within 1s");
  });

  test.each([
    { failing: 2, state: RolloutState.FINISHED, touched: 20 },
    { failing: 3, state: RolloutState.HALTED, touched: 6 },
  ])("with $failing failures of 2 that may be has state $state", async ({ failing, state, touched }) => {
    fleet = await startFleetInWaves(20);
    for (const name of fleet.order.slice(1, 1 + failing)) fleet.effects.set(name, "fails");
    const { run } = await fleet.commit(waves({ batches: [hosts(5)], maxFailed: percent(10) }));
    expect(run.rollout).toMatchObject({ state, maxFailed: 2, countedHostCount: failing });
    expect(fleet.changed).toHaveLength(touched);
  });

  test("counts failures of former waves together with those of the present one", async () => {
    fleet = await startFleetInWaves(20);
    for (const index of [2, 7, 12]) fleet.effects.set(fleet.order[index] as string, "fails");
    const { run } = await fleet.commit(waves({ batches: [hosts(5)], maxFailed: hosts(2) }));
    expect(run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 4, countedHostCount: 3 });
    expect(fleet.changed).toHaveLength(16);
  });

  test("that has no wave left to keep from being sent finishes, and says that it is above its budget", async () => {
    fleet = await startFleetInWaves(12);
    fleet.effects.set(fleet.order.at(-1) as string, "fails");
    const { run, summary } = await fleet.commit(waves({ batches: [hosts(11)] }));
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED, haltReason: HaltReason.BUDGET_EXCEEDED });
    expect(summary.text).toContain("no wave was left to keep from being sent");
  });

  test("spreads a label over its waves", async () => {
    fleet = await startFleetInWaves(30);
    await fleet.commit(waves({ canary: hosts(3), batches: [hosts(6)], spreadBy: "zone" }));
    const zones = (names: string[]) => names.map((name) => "abc"[Number(name.slice(4)) % 3]).sort();
    expect(zones(fleet.changed.slice(0, 3))).toEqual(["a", "b", "c"]);
    expect(zones(fleet.changed.slice(3, 9))).toEqual(["a", "a", "b", "b", "c", "c"]);
  });
});

describe("the health gate", () => {
  test.each(["breaks a service", "crash loop"] as const)("catches a change that is done and %s", async (effect) => {
    fleet = await startFleetInWaves(20);
    const sick = fleet.order.slice(1, 3);
    for (const name of sick) fleet.effects.set(name, effect);
    const { run, accounting, summary } = await fleet.commit(waves({ batches: [hosts(5)], maxFailed: hosts(1) }));
    expect(accounting).toMatchObject({ ok: 6, queued: 14 });
    expect(run.rollout).toMatchObject({
      state: RolloutState.HALTED,
      wave: 2,
      countedHostCount: 2,
      unhealthyHostCount: 2,
      countedHosts: sick,
    });
    expect(summary.text).toContain(`Why: 2 unhealthy behind the change (${sick.join(", ")}); 1 may be`);
  });

  test("does not mind what was failed before the wave", async () => {
    fleet = await startFleetInWaves(12);
    for (const name of fleet.order) fleet.failed.set(name, ["old.service"]);
    const { run } = await fleet.commit(waves());
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED, countedHostCount: 0 });
  });

  test("counts a host that is silent when it is asked", async () => {
    fleet = await startFleetInWaves(12);
    const [canary = ""] = fleet.order;
    fleet.gate = (name, what) => {
      if (what === "change") void fleet.hosts.detach(name);
    };
    const { run } = await fleet.commit(waves());
    expect(run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 1, countedHosts: [canary] });
  });

  test("passes hosts that could not list services before either, and no others", async () => {
    fleet = await startFleetInWaves(12);
    for (const name of fleet.order.slice(0, 6)) fleet.cannotList.add(name);
    const [lost = ""] = fleet.order.slice(-1);
    fleet.effects.set(lost, "cannot list");
    const { run } = await fleet.commit(waves({ canary: hosts(6) }));
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED, countedHosts: [lost], unhealthyHostCount: 1 });
  });

  test("can be a read of the caller's, which every host must answer OK", async () => {
    fleet = await startFleetInWaves(12);
    const [canary = ""] = fleet.order;
    fleet.effects.set(canary, "cannot list");
    const request = toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, troubleQuestion));
    const read = { method: "systemsmanager.telemetry.v1.TelemetryService/ListServices", request };
    const { run } = await fleet.commit(waves({ healthCheck: { check: { case: "read", value: read } } }));
    expect(run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 1, countedHosts: [canary] });
    const reads = (await fleet.client.listRuns({})).runs.filter(({ selector }) => selector.startsWith("health of"));
    expect(reads.map(({ selector }) => selector)).toEqual([`health of wave 1 of run ${run.runId}`]);
  });

  test("can be left out", async () => {
    fleet = await startFleetInWaves(12);
    fleet.effects.set(fleet.order[0] as string, "breaks a service");
    const { run } = await fleet.commit(waves({ healthCheck: { check: { case: "none", value: {} } } }));
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED });
    expect(new Set(fleet.hosts.commands.map(({ runId }) => runId)).size).toBe(2);
  });

  test("that would change hosts is refused, and nothing is sent", async () => {
    fleet = await startFleetInWaves(12);
    const read = { method: "systemsmanager.mutation.v1.MutationService/CleanPackages", request: new Uint8Array() };
    const error = await fleet.commit(waves({ healthCheck: { check: { case: "read", value: read } } })).catch((e) => e);
    expect(ErrorReason[errorDetailOf(error).reason]).toBe("UNKNOWN_OPERATION");
    expect(fleet.changed).toEqual([]);
  });
});

describe("a halted rollout", () => {
  async function halted(): Promise<string> {
    fleet = await startFleetInWaves(20);
    fleet.effects.set(fleet.order[0] as string, "fails");
    const { run } = await fleet.commit(waves({ batches: [hosts(10)], maxFailed: hosts(1) }));
    expect(run.rollout?.state).toBe(RolloutState.HALTED);
    return run.runId;
  }

  test("goes on with the rest when it is resumed, and accepts what had failed", async () => {
    const runId = await halted();
    fleet.effects.set(fleet.order[3] as string, "fails");
    const { run, accounting } = await fleet.resume(runId);
    expect(run.runId).toBe(runId);
    expect(accounting).toMatchObject({ ok: 18, failed: 2, queued: 0 });
    expect(run.rollout).toMatchObject({ state: RolloutState.FINISHED, countedHostCount: 1 });
    expect(fleet.changed.sort()).toEqual([...fleet.order].sort());
  });

  test("takes a new error budget when it is resumed", async () => {
    const runId = await halted();
    fleet.effects.set(fleet.order[3] as string, "fails");
    const { run, accounting } = await fleet.resume(runId, 0);
    expect(run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 2, maxFailed: 0, countedHostCount: 1 });
    expect(accounting).toMatchObject({ ok: 9, failed: 2, queued: 9 });
  });

  test("is resumed once by two that resume it together", async () => {
    const runId = await halted();
    const [one, other] = await Promise.all([fleet.resume(runId), fleet.resume(runId)]);
    expect(one.accounting).toEqual(other.accounting);
    expect(fleet.changed).toHaveLength(20);
  });

  test("is not resumed by a confirmation of the halt before", async () => {
    const runId = await halted();
    for (const name of fleet.order.slice(3, 6)) fleet.effects.set(name, "fails");
    const again = await fleet.resume(runId, undefined, 1);
    expect(again.run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 2, haltCount: 2 });
    const replayed = await fleet.resume(runId, undefined, 1);
    expect(replayed.run.rollout).toMatchObject({ state: RolloutState.HALTED, wave: 2, haltCount: 2 });
    expect(fleet.changed).toHaveLength(11);
  });

  test("ends when it is cancelled: what was not sent is CANCELLED, and cannot be resumed", async () => {
    const runId = await halted();
    for (let times = 0; times < 2; times++) {
      const { run } = await fleet.client.cancelRun({ runId });
      expect(run?.accounting).toMatchObject({ failed: 1, cancelled: 19, queued: 0 });
      expect(run?.rollout).toMatchObject({ state: RolloutState.ABORTED, haltReason: HaltReason.CANCELLED });
    }
    const error = await fleet.resume(runId).catch((e) => e);
    expect(errorDetailOf(error)).toMatchObject({ reason: ErrorReason.ROLLOUT_OVER, metadata: { state: "aborted" } });
    expect(fleet.changed).toHaveLength(1);
  });

  test("does not exist for another principal", async () => {
    const runId = await halted();
    const stranger = fleet.clientOf("somebody-else");
    const resumed = (async () => {
      for await (const _ of stranger.resumeRollout({ runId, confirmation: { method: 1 } }));
    })();
    expect(errorDetailOf(await resumed.catch((e) => e)).reason).toBe(ErrorReason.UNKNOWN_RUN);
  });

  test("expires: what was not sent is EXPIRED", async () => {
    fleet = await startFleetInWaves(12);
    fleet.effects.set(fleet.order[0] as string, "fails");
    const { run } = await fleet.commit(waves({ expiresAfter: { seconds: 2n } }));
    await eventually(async () => {
      const now = await fleet.look(run.runId);
      expect(now.accounting).toMatchObject({ failed: 1, expired: 11 });
      expect(now.run.rollout).toMatchObject({ state: RolloutState.ABORTED, haltReason: HaltReason.EXPIRED });
    });
    expect(fleet.changed).toHaveLength(1);
  });
});

test("a run that is not in waves cannot be resumed", async () => {
  fleet = await startFleetInWaves(3);
  const { run } = await fleet.commit();
  const error = await fleet.resume(run.runId).catch((e) => e);
  expect(errorDetailOf(error)).toMatchObject({ reason: ErrorReason.ROLLOUT_OVER, metadata: { state: "no rollout" } });
});

test("cancelled in mid-wave, nothing further is sent, and who is at it is told", async () => {
  fleet = await startFleetInWaves(20);
  const busy = new Set(fleet.order.slice(1, 6));
  for (const name of busy) fleet.effects.set(name, "silent");
  const committed = fleet.commit(waves({ batches: [hosts(5)] }));
  await eventually(() => expect(fleet.changed).toHaveLength(6));
  const runId = fleet.hosts.commands.at(-1)?.runId ?? "";
  const { run } = await fleet.client.cancelRun({ runId });
  expect(run?.accounting).toMatchObject({ ok: 1, cancelled: 19 });
  expect((await committed).run.rollout).toMatchObject({ state: RolloutState.ABORTED, wave: 2 });
  expect(fleet.changed).toHaveLength(6);
  const last = fleet.hosts.commands.at(-1);
  expect(last).toMatchObject({ runId, targetCount: 5, action: { case: "cancellation" } });
});
