// The summary of a run as a tool result: the text the fleet rendered, and the same facts as structure.
import type { CallToolResult } from "@modelcontextprotocol/server";
import { RolloutState, RolloutStatusSchema } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import {
  type Accounting,
  AccountingSchema,
  type Run,
  type RunFinished,
} from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type Summary, SummarySchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { type Structure, structureOf } from "../../shared/structure.js";
import { compactRows } from "./compact-rows.js";
import { takeWithin } from "./fit-tokens.js";
import { outputSchemaOf, textResult } from "./text-result.js";

/** What every read answers with: hosts is the accounting, states without hosts left out. */
export const runOutputSchema = outputSchemaOf({ run_id: "string", hosts: "object" });

const structureBudget = 2_000;
// In the order of what an agent needs first; the rest can be opened by handle.
const sections = [
  "errors",
  "deviations",
  "majority",
  "totals",
  "counts",
  "distributions",
  "top",
  "templates",
  "samples",
  "rows",
];

/** A finished run. */
export function renderRun({ run, summary }: RunFinished): CallToolResult {
  if (!run?.accounting || !summary)
    throw failure(ErrorReason.INTERNAL, "the finished run has no accounting or no summary");
  return textResult(summary.text + wayOn(run), {
    run_id: run.runId,
    hosts: hostsByState(run.accounting),
    ...(run.rollout ? { rollout: structureOf(RolloutStatusSchema, run.rollout) } : {}),
    ...structureSummary(summary),
  });
}

function wayOn({ rollout, planHash }: Run): string {
  if (rollout?.state !== RolloutState.HALTED) return "";
  return `\nThe other hosts wait. When the cause is gone, call commit_change with plan_hash ${planHash} and resume.`;
}

/** Hosts by state; targeted is their sum. */
export function hostsByState(accounting: Accounting): Structure {
  return { targeted: 0, ...structureOf(AccountingSchema, accounting) };
}

/** The facts of a summary within a token budget; what does not fit is counted under omitted. */
export function structureSummary(summary: Summary, budget = structureBudget): Structure {
  const facts = structureOf(SummarySchema, summary, ["run_id", "revision", "text", "text_tokens"]);
  const { handles, omissions } = facts;
  const structure: Structure = {
    ...(summary.revision > 1 ? { revision: summary.revision } : {}),
    ...(handles ? { handles } : {}),
    ...(omissions ? { omissions } : {}),
  };
  const omitted: Record<string, number> = {};
  let left = budget;
  for (const name of sections) {
    const rows = facts[name];
    if (!Array.isArray(rows)) continue;
    const compact = compactRows(name, rows);
    const fit = takeWithin(compact.rows, left);
    left -= fit.tokens;
    if (fit.taken.length > 0) structure[name] = fit.taken;
    if (fit.left + compact.left > 0) omitted[name] = fit.left + compact.left;
  }
  return Object.keys(omitted).length > 0 ? { ...structure, omitted } : structure;
}
