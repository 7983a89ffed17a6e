// A plan as a tool result: what would change where, until when, and how to go on.
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Plan } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorClassSchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason, failure, reasonName } from "../../shared/errors.js";
import { structureOf } from "../../shared/structure.js";
import { listNames } from "./list-names.js";
import { structureSummary } from "./render-run.js";
import { outputSchemaOf, textResult } from "./text-result.js";

/** What every planned change answers with. */
export const planOutputSchema = outputSchemaOf({ plan_hash: "string", hosts: "array" });

const shownHosts = 100;

/** A plan. Nothing has changed; commit_change carries it out. */
export function renderPlan(plan: Plan): CallToolResult {
  const { summary, hosts, expiresAt } = plan;
  if (!summary || !expiresAt) throw failure(ErrorReason.INTERNAL, "the plan has no summary or no expiry");
  const expires = timestampDate(expiresAt).toISOString();
  // The failed dry runs are the excluded hosts.
  const { errors: _excluded, ...facts } = structureSummary(summary);
  return textResult(`${summary.text}\n\n${describePlan(plan, expires)}`, {
    plan_hash: plan.planHash,
    expires_at: expires,
    host_count: hosts.length,
    hosts: hosts.slice(0, shownHosts),
    ...(hosts.length > shownHosts ? { omitted_hosts: hosts.length - shownHosts } : {}),
    changing_host_count: plan.changingHostCount,
    ...(plan.excluded.length > 0 ? { excluded: plan.excluded.map((row) => structureOf(ErrorClassSchema, row)) } : {}),
    run_id: summary.runId,
    ...facts,
  });
}

function describePlan(plan: Plan, expires: string): string {
  const { hosts, changingHostCount, excluded } = plan;
  const left = excluded.map(
    (row) => `${row.hostCount} ${reasonName(row.reason)} (${listNames(row.hosts, row.hostCount, 5)})`,
  );
  return [
    "PLAN ONLY: nothing has changed.",
    `plan_hash: ${plan.planHash}`,
    `hosts (${hosts.length}): ${listNames(hosts, hosts.length, 20) || "none"}`,
    `would change: ${changingHostCount} of ${hosts.length} hosts`,
    ...(left.length > 0 ? [`excluded, dry run failed: ${left.join("; ")}`] : []),
    `expires: ${expires}`,
    howToGoOn(plan),
  ].join("\n");
}

function howToGoOn({ hosts, changingHostCount }: Plan): string {
  if (hosts.length === 0) return "Nothing can be committed: the dry run succeeded on no host.";
  if (changingHostCount === 0) return "There is nothing to commit: every host is already as asked.";
  return "To carry it out, call commit_change with this plan_hash; the person at the client is asked to confirm.";
}
