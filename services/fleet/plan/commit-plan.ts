// A confirmed plan → its one run, on exactly its hosts.
//
// A plan whose dry run would change nothing anywhere is consumed like any other, but nothing is sent: the run holds the dry
// run's answers, which say dry_run themselves.
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Context } from "@opentelemetry/api";
import { GrantSchema } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { type Confirmation, ConfirmationMethod } from "../../gen/systemsmanager/fleet/v1/change_pb.js";
import type { Rollout } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Principal } from "../../identity/principal.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findOperation } from "../../shared/operations.js";
import type { RolloutManager } from "../rollout/rollout-manager.js";
import { resolvePolicy } from "../rollout/rollout-policy.js";
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
  /** How the change goes over its hosts. */
  readonly rollout?: Rollout | undefined;
  readonly trace: Context;
}

/** What carries a plan out. */
export interface CommitParts {
  readonly database: StateDatabase;
  readonly runs: RunManager;
  readonly rollouts: RolloutManager;
}

/**
 * Resolves when the command, or the first wave, is on its way. Throws UNKNOWN_PLAN, PLAN_NOT_YOURS, PLAN_CONSUMED, PERMISSION_DENIED,
 * INVALID_ARGUMENT, BUSY.
 */
export async function commitPlan(parts: CommitParts, commit: CommitOrder): Promise<TrackedRun> {
  const { database, runs, rollouts } = parts;
  const plan = findPlan(database, commit.planHash, commit.principal.name);
  checkUnused(plan);
  const order = orderFor(database, plan, commit, runs.newRunId());
  const policy = resolvePolicy(commit.rollout, plan.hosts.length);
  if (policy && commit.deliveryTimeoutMs !== undefined) throw noDeliveryInWaves(plan.hosts.length);
  if (plan.changingHostCount > 0) return await (policy ? rollouts.start(order, policy) : runs.start(order));
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

function noDeliveryInWaves(hosts: number) {
  return failure(
    ErrorReason.INVALID_ARGUMENT,
    `a change on ${hosts} hosts goes in waves, and a wave waits for no host`,
    {
      metadata: { field: "delivery_timeout", rule: "rollout" },
      remedy: "leave delivery_timeout out, or send the change to all hosts at once (rollout.all_at_once)",
    },
  );
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
