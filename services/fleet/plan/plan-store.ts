// Plans on disk. A plan is used once: its consumption and the run that carries it out are one transaction, on disk before anything
// is sent.
import { create, fromBinary } from "@bufbuild/protobuf";
import { type GetPlanResponse, GetPlanResponseSchema } from "../../gen/systemsmanager/fleet/v1/change_pb.js";
import { PlanSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { StateDatabase } from "../state-database.js";
import type { PlanConsumption, PlanRecord } from "./plan-record.js";

/** Stores a new plan; resolves when it is on disk. */
export async function storePlan(database: StateDatabase, plan: PlanRecord): Promise<void> {
  await database.plans.put(plan.planHash, plan);
  await database.flushed();
}

/** The principal's plan with this hash, consumed or not. Throws UNKNOWN_PLAN, PLAN_NOT_YOURS. */
export function findPlan(database: StateDatabase, planHash: string, principal: string): PlanRecord {
  const plan = database.plans.get(planHash);
  if (!plan) throw unknownPlan(planHash, "does not exist");
  if (plan.principal !== principal) {
    throw failure(ErrorReason.PLAN_NOT_YOURS, "the plan belongs to another principal", {
      metadata: { plan_hash: planHash },
      remedy: "plan the change yourself; a plan can be committed only by who made it",
    });
  }
  if (!plan.consumed && plan.expiresAtMs <= Date.now()) {
    throw unknownPlan(planHash, `expired at ${new Date(plan.expiresAtMs).toISOString()}`);
  }
  return plan;
}

/** The plan as its maker got it, and the run that carried it out. */
export function showPlan({ shown, consumed }: PlanRecord): GetPlanResponse {
  return create(GetPlanResponseSchema, { plan: fromBinary(PlanSchema, shown), runId: consumed?.runId ?? "" });
}

/** Throws PLAN_CONSUMED when the plan was committed before. */
export function checkUnused({ planHash, consumed }: PlanRecord): void {
  if (consumed) throw planConsumed(planHash, consumed.runId);
}

/** Uses the plan up, within a transaction. Of several callers exactly one succeeds. Throws PLAN_CONSUMED, UNKNOWN_PLAN. */
export function consumePlan(database: StateDatabase, planHash: string, consumed: PlanConsumption): void {
  const plan = database.plans.get(planHash);
  if (plan) checkUnused(plan);
  if (!plan || plan.expiresAtMs <= Date.now()) throw unknownPlan(planHash, "expired");
  void database.plans.put(planHash, { ...plan, consumed });
}

function planConsumed(planHash: string, runId: string) {
  return failure(ErrorReason.PLAN_CONSUMED, `the plan was committed before, as run ${runId}`, {
    metadata: { plan_hash: planHash, run_id: runId },
    remedy: "read that run, or plan the change again",
  });
}

function unknownPlan(planHash: string, problem: string) {
  return failure(ErrorReason.UNKNOWN_PLAN, `the plan ${planHash.slice(0, 12)}… ${problem}`, {
    metadata: { plan_hash: planHash },
    remedy: "plan the change again; a plan can be committed for 15 minutes",
  });
}
