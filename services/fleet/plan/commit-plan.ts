// A confirmed plan → its one run, on exactly its hosts.
//
// A plan whose dry run would change nothing anywhere is consumed like any other, but nothing is sent: the run holds the dry
// run's answers, which say dry_run themselves.
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Context } from "@opentelemetry/api";
import { GrantSchema } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { type Confirmation, ConfirmationMethod } from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { Principal } from "../../identity/principal.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findOperation } from "../../shared/operations.js";
import type { RunManager } from "../run/run-manager.js";
import type { RunOrder } from "../run/run-order.js";
import type { HostAnswer } from "../run/run-record.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import { authorize } from "./authorize.js";
import type { PlanRecord } from "./plan-record.js";
import { checkUnused, consumePlan, findPlan } from "./plan-store.js";

/** Who commits what. */
export interface CommitOrder {
  readonly planHash: string;
  readonly principal: Principal;
  readonly confirmation: Confirmation;
  readonly timeoutMs?: number;
  readonly deliveryTimeoutMs?: number;
  readonly trace: Context;
}

/** Resolves when the command is on its way. Throws UNKNOWN_PLAN, PLAN_NOT_YOURS, PLAN_CONSUMED, PERMISSION_DENIED, BUSY. */
export async function commitPlan(database: StateDatabase, runs: RunManager, commit: CommitOrder): Promise<TrackedRun> {
  const plan = findPlan(database, commit.planHash, commit.principal.name);
  checkUnused(plan);
  const order = orderFor(database, plan, commit, runs.newRunId());
  if (plan.changingHostCount > 0) return await runs.start(order);
  return await runs.adopt(order, answersOf(runs.find(plan.dryRunId), plan));
}

function orderFor(database: StateDatabase, plan: PlanRecord, commit: CommitOrder, runId: string): RunOrder {
  const { principal, confirmation } = commit;
  const operation = findOperation(plan.method);
  const confirmed = confirmation.method !== ConfirmationMethod.UNSPECIFIED;
  const { approvers } = authorize({ principal, operation, hosts: plan.hosts, action: "change", confirmed });
  return {
    runId,
    operation,
    request: plan.request,
    selector: plan.selector,
    principal: principal.name,
    trace: commit.trace,
    targets: plan.hosts,
    timeoutMs: commit.timeoutMs ?? operation.defaultTimeoutMs,
    ...(commit.deliveryTimeoutMs === undefined ? {} : { deliveryTimeoutMs: commit.deliveryTimeoutMs }),
    planHash: plan.planHash,
    grant: create(GrantSchema, {
      planHash: Buffer.from(plan.planHash, "hex"),
      principal: principal.name,
      approvers: [...approvers],
    }),
    claim: () =>
      consumePlan(database, plan.planHash, {
        runId,
        atMs: Date.now(),
        confirmationMethod: ConfirmationMethod[confirmation.method] ?? "",
        ...(confirmation.confirmedAt ? { confirmedAtMs: timestampMs(confirmation.confirmedAt) } : {}),
        approvers,
      }),
  };
}

function answersOf(dryRun: TrackedRun | undefined, plan: PlanRecord): Map<string, HostAnswer> {
  const answers = new Map<string, HostAnswer>();
  for (const { hostId } of plan.hosts) {
    const answer = dryRun?.answerOf(dryRun.indexOf(hostId) ?? -1);
    if (!answer) throw failure(ErrorReason.UNKNOWN_PLAN, "the plan's dry run is not kept any more", dryRunLost(plan));
    answers.set(hostId, answer);
  }
  return answers;
}

function dryRunLost({ planHash }: PlanRecord) {
  return { metadata: { plan_hash: planHash }, remedy: "plan the change again" };
}
