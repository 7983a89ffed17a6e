import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ConfirmationMethod } from "../../../services/gen/systemsmanager/fleet/v1/change_pb.js";
import { Risk } from "../../../services/gen/systemsmanager/options/v1/options_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { collect } from "../run/collect.js";
import { eventually } from "../run/eventually.js";
import { type FleetUnderTest, listServices, silence, startFleet } from "../run/fleet-under-test.js";
import { type Behaviour, hostIdOf } from "../run/simulated-hosts.js";
import { decodeManageService } from "./decode-manage-service.js";
import { commit, fails, manages, method, plan, reasonOf, request } from "./manage-service-plan.js";

let fleet: FleetUnderTest;

afterEach(async () => {
  vi.useRealTimers();
  await fleet.close();
});

function dryRuns(): boolean[] {
  return fleet.hosts.invoked.map(({ command }) => {
    if (command.action.case !== "invocation") throw new Error("no invocation");
    return decodeManageService(command.action.value.request).dryRun;
  });
}

describe("planning", () => {
  test("runs the dry run on every host, whatever the request says, and changes nothing", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1", "web-2", "idle-1");
    const made = await plan(fleet.client, "all", request({ dryRun: false }));
    expect(dryRuns()).toEqual([true, true, true]);
    expect(made).toMatchObject({
      method,
      hosts: ["idle-1", "web-1", "web-2"],
      changingHostCount: 2,
      risk: Risk.REVERSIBLE,
      policyVersion: "builtin-1",
      excluded: [],
    });
    expect(decodeManageService(made.request).dryRun).toBe(false);
    expect(made.planHash).toMatch(/^[0-9a-f]{64}$/);
    expect(made.summary?.text).toMatch(/3 hosts/);
    const lifetime = timestampMs(made.expiresAt as never) - Date.now();
    expect(lifetime).toBeGreaterThan(14 * 60_000);
    expect(lifetime).toBeLessThanOrEqual(15 * 60_000);
  });

  test("leaves out hosts whose dry run did not succeed, with the reason", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1", "bad-1", "bad-2", "gone");
    await fleet.detach("gone");
    fleet.hosts.behave("bad-1", fails);
    fleet.hosts.behave("bad-2", fails);
    const made = await plan(fleet.client);
    expect(made.hosts).toEqual(["web-1"]);
    expect(made.excluded).toMatchObject([
      { reason: ErrorReason.UNKNOWN_UNIT, state: "failed", hostCount: 2, hosts: ["bad-1", "bad-2"] },
      { reason: ErrorReason.UNREACHABLE, state: "no_answer", hostCount: 1, hosts: ["gone"] },
    ]);
  });

  test("a plan that no host could make has no hash: there is nothing to commit", async () => {
    fleet = await startFleet({ usual: fails });
    await fleet.attach("web-1");
    expect(await plan(fleet.client)).toMatchObject({ planHash: "", hosts: [], changingHostCount: 0 });
  });

  test("a read cannot be planned, and says to run it", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    const stream = fleet.client.planChange({ selector: "all", method: listServices });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow(/changes nothing.*call Run/);
  });

  test("GetPlan gives the plan back as it was made, and who carried it out", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    const made = await plan(fleet.client);
    expect(await fleet.client.getPlan({ planHash: made.planHash })).toMatchObject({ plan: made, runId: "" });
    const { run } = await commit(fleet.client, made.planHash);
    expect((await fleet.client.getPlan({ planHash: made.planHash })).runId).toBe(run.runId);
  });
});

describe("committing", () => {
  test("sends the request with a grant to exactly the plan's hosts", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1", "web-2", "bad");
    fleet.hosts.behave("bad", fails);
    const made = await plan(fleet.client);
    fleet.hosts.behave("bad", manages);
    await fleet.attach("web-3");
    fleet.hosts.invoked.length = 0;
    const { run, accounting } = await commit(fleet.client, made.planHash);
    expect(accounting).toMatchObject({ targeted: 2, ok: 2 });
    expect(run).toMatchObject({ planHash: made.planHash, method, principal: "local" });
    expect(dryRuns()).toEqual([false, false]);
    expect(fleet.hosts.invoked.map(({ hostId }) => hostId).sort()).toEqual(
      [hostIdOf("web-1"), hostIdOf("web-2")].sort(),
    );
    const action = fleet.hosts.invoked[0]?.command.action;
    const grant = action?.case === "invocation" ? action.value.grant : undefined;
    expect(Buffer.from(grant?.planHash ?? []).toString("hex")).toBe(made.planHash);
    expect(grant).toMatchObject({ principal: "local", approvers: ["local"] });
  });

  test("two commits at the same time: exactly one wins, the other is told the winner's run", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    for (let round = 0; round < 5; round++) {
      const made = await plan(fleet.client);
      fleet.hosts.invoked.length = 0;
      const results = await Promise.allSettled(Array.from({ length: 4 }, () => commit(fleet.client, made.planHash)));
      const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.run.runId] : []));
      const lost = results.flatMap((result) => (result.status === "rejected" ? [errorDetailOf(result.reason)] : []));
      expect(won).toHaveLength(1);
      expect(lost.map(({ reason }) => ErrorReason[reason])).toEqual(Array(3).fill("PLAN_CONSUMED"));
      expect(lost.map(({ metadata }) => metadata.run_id)).toEqual(Array(3).fill(won[0]));
      expect(dryRuns()).toEqual([false]);
    }
  });

  test("a plan stays consumed after a restart", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    const made = await plan(fleet.client);
    await commit(fleet.client, made.planHash);
    await fleet.restart();
    expect(await reasonOf(commit(fleet.client, made.planHash))).toBe("PLAN_CONSUMED");
  });

  test("a plan made before a restart can be committed after it", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    const made = await plan(fleet.client);
    await fleet.restart();
    expect((await commit(fleet.client, made.planHash)).accounting).toMatchObject({ ok: 1 });
  });

  test("a plan in which nothing would change sends nothing, and its answers say that they are the dry run's", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("idle-1", "idle-2");
    const made = await plan(fleet.client);
    expect(made.changingHostCount).toBe(0);
    fleet.hosts.commands.length = 0;
    const { run, accounting } = await commit(fleet.client, made.planHash);
    expect(accounting).toMatchObject({ targeted: 2, ok: 2 });
    expect(fleet.hosts.commands).toHaveLength(0);
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId } });
    expect(items.map(({ answerJson }) => JSON.parse(answerJson))).toEqual([{ dryRun: true }, { dryRun: true }]);
    expect(await reasonOf(commit(fleet.client, made.planHash))).toBe("PLAN_CONSUMED");
  });

  test("a host that goes away in mid-change is no_answer after the longer grace; what it says later is revision 2", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1", "web-2");
    const made = await plan(fleet.client);
    let call: Parameters<Behaviour>[0] | undefined;
    fleet.hosts.behave("web-2", (each) => {
      call = each;
    });
    const committed = commit(fleet.client, made.planHash);
    await eventually(() => expect(call).toBeDefined());
    await fleet.detach("web-2");
    const { run, accounting } = await committed;
    expect(accounting).toMatchObject({ ok: 1, noAnswer: 1 });
    await call?.reply({
      outcome: ReplyOutcome.INDETERMINATE,
      message: "stopped",
      error: { reason: ErrorReason.INDETERMINATE },
    });
    await eventually(async () => {
      const { run: after } = await fleet.client.getRun({ runId: run.runId });
      expect(after).toMatchObject({ revision: 2, accounting: { noAnswer: 0, indeterminate: 1, lateReplies: 1 } });
    });
  });

  test("a change waits for a host that is away, across a restart, and is carried out there once", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1", "web-2");
    const made = await plan(fleet.client);
    await fleet.detach("web-2");
    fleet.hosts.invoked.length = 0;
    const confirmation = { method: ConfirmationMethod.ELICITATION };
    const times = { timeout: { seconds: 30n }, deliveryTimeout: { seconds: 60n } };
    const { run } = await collect(fleet.client.commitChange({ planHash: made.planHash, confirmation, ...times }));
    expect(run).toMatchObject({ revision: 1, accounting: { ok: 1, queued: 1 } });
    await fleet.restart();
    await fleet.attach("web-2");
    const { runId } = run;
    await eventually(async () => {
      const { run: after } = await fleet.client.getRun({ runId });
      expect(after).toMatchObject({ revision: 2, accounting: { ok: 2, queued: 0 } });
    });
    expect(fleet.hosts.invoked.map(({ hostId }) => hostId)).toEqual([hostIdOf("web-1"), hostIdOf("web-2")]);
    const [first, second] = fleet.hosts.invoked.map(({ command }) => command);
    expect(second).toEqual(first);
    expect(dryRuns()).toEqual([false, false]);
  });

  test("BUSY does not use the plan up", async () => {
    fleet = await startFleet({ usual: manages, limits: { maxActiveRunsPerPrincipal: 1 } });
    await fleet.attach("web-1");
    const made = await plan(fleet.client);
    fleet.hosts.behave("web-1", silence);
    const stream = fleet.client.run({ selector: "all", method: listServices, timeout: { seconds: 30n } });
    const first = await stream[Symbol.asyncIterator]().next();
    expect(await reasonOf(commit(fleet.client, made.planHash))).toBe("BUSY");
    fleet.hosts.behave("web-1", manages);
    await fleet.client.cancelRun({ runId: first.value.event.value.runId });
    expect((await commit(fleet.client, made.planHash)).accounting).toMatchObject({ ok: 1 });
  });
});
