// A finished dry run → a plan: the hosts on which it succeeded, what would change there, and the hash to commit it by.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HostState, type Plan, PlanSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { Summary } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { hashPlan } from "../../identity/plan-hash.js";
import { listFailures } from "../results/summarize-tracked-run.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import { classifyFailures } from "../summarize/error-classes.js";
import type { Decision } from "./authorize.js";
import { countChangingHosts } from "./count-changing-hosts.js";
import { encodeWithDryRun } from "./operation-request.js";
import { storePlan } from "./plan-store.js";

/** How long a plan can be committed. */
export const planLifetimeMs = 15 * 60 * 1000;

/** What a plan is made of. */
export interface PlanParts {
  /** The finished dry run; its principal owns the plan. */
  readonly dryRun: TrackedRun;
  /** Of the dry run. */
  readonly summary: Summary;
  readonly decision: Decision;
}

/** Makes and stores the plan. Without a host on which the dry run succeeded it has no hash: there is nothing to commit. */
export async function makePlan(database: StateDatabase, parts: PlanParts): Promise<Plan> {
  const { dryRun, summary, decision } = parts;
  const { operation, record } = dryRun;
  const hosts = dryRun.targets.filter((_, index) => dryRun.account.stateOf(index) === HostState.OK);
  const request = encodeWithDryRun(operation, dryRun.subject.request, false);
  const expiresAtMs = Date.now() + planLifetimeMs;
  const content = {
    hostIds: hosts.map((host) => host.hostId),
    method: operation.name,
    request,
    policyVersion: decision.policyVersion,
    expiresAtMs,
    principal: record.principal,
  };
  const planHash = hosts.length === 0 ? "" : Buffer.from(hashPlan(content)).toString("hex");
  const changingHostCount = countChangingHosts(dryRun);
  const plan = create(PlanSchema, {
    planHash,
    method: operation.name,
    request,
    hosts: hosts.map((host) => host.name).sort(),
    excluded: classifyFailures(listFailures(dryRun)).classes,
    expiresAt: timestampFromMs(expiresAtMs),
    risk: operation.risk,
    summary,
    changingHostCount,
    policyVersion: decision.policyVersion,
  });
  if (planHash === "") return plan;
  await storePlan(database, {
    planHash,
    method: operation.name,
    request,
    selector: record.selector,
    principal: record.principal,
    policyVersion: decision.policyVersion,
    risk: operation.risk,
    expiresAtMs,
    hosts,
    changingHostCount,
    dryRunId: record.runId,
    shown: toBinary(PlanSchema, plan),
  });
  return plan;
}
