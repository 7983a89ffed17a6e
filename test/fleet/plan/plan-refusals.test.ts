// Commits that are refused, and why.
import { afterEach, describe, expect, test, vi } from "vitest";
import { ConfirmationMethod } from "../../../services/gen/systemsmanager/fleet/v1/change_pb.js";
import { collect } from "../run/collect.js";
import { type FleetUnderTest, startFleet } from "../run/fleet-under-test.js";
import { commit, manages, plan, reasonOf } from "./manage-service-plan.js";

let fleet: FleetUnderTest;

afterEach(async () => {
  vi.useRealTimers();
  await fleet.close();
});

describe("a plan is refused", () => {
  test("to another principal: PLAN_NOT_YOURS, for commit and for GetPlan", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    const made = await plan(fleet.client);
    const other = fleet.clientOf("mallory");
    expect(await reasonOf(commit(other, made.planHash))).toBe("PLAN_NOT_YOURS");
    expect(await reasonOf(other.getPlan({ planHash: made.planHash }))).toBe("PLAN_NOT_YOURS");
    expect((await commit(fleet.client, made.planHash)).accounting).toMatchObject({ ok: 1 });
  });

  test("after its expiry: UNKNOWN_PLAN, and nothing is sent", async () => {
    fleet = await startFleet({ usual: manages });
    await fleet.attach("web-1");
    const made = await plan(fleet.client);
    fleet.hosts.commands.length = 0;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 15 * 60_000 + 1 });
    const call = commit(fleet.client, made.planHash);
    await expect(call).rejects.toThrow(/expired at/);
    expect(await reasonOf(call)).toBe("UNKNOWN_PLAN");
    expect(fleet.hosts.commands).toHaveLength(0);
  });

  test("when it never was: UNKNOWN_PLAN", async () => {
    fleet = await startFleet({ usual: manages });
    expect(await reasonOf(commit(fleet.client, "ab".repeat(32)))).toBe("UNKNOWN_PLAN");
  });

  test.each([
    ["a hash that is no hash", { planHash: "xyz", confirmation: { method: ConfirmationMethod.ELICITATION } }],
    ["no confirmation", { planHash: "ab".repeat(32) }],
    ["an unspecified confirmation", { planHash: "ab".repeat(32), confirmation: {} }],
  ])("with %s: INVALID_ARGUMENT", async (_what, commitRequest) => {
    fleet = await startFleet({ usual: manages });
    expect(await reasonOf(collect(fleet.client.commitChange(commitRequest)))).toBe("INVALID_ARGUMENT");
  });
});
