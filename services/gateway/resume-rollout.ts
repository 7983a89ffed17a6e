// Going on with the halted rollout of a plan that was committed before.
import type { CallToolResult } from "@modelcontextprotocol/server";
import { RolloutState, RolloutStateSchema } from "../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Run } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { enumName } from "../shared/enum-names.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { findOperation } from "../shared/operations.js";
import { cleanText } from "../shared/untrusted-text.js";
import { confirmed, confirmedHaltCount } from "./confirmation.js";
import { followRun } from "./follow-run.js";
import { renderRun } from "./render/render-run.js";
import { maxFailedOf } from "./rollout-arguments.js";
import type { Arguments } from "./schema/decode-arguments.js";
import type { ToolCall } from "./tool.js";

const maxReasonLength = 600;

/** The plan's run, whose rollout is halted. Throws ROLLOUT_OVER when it is not. */
export async function findHalted(planHash: string, call: ToolCall): Promise<Run> {
  const { signal } = call.context.mcpReq;
  const runId = await runOf(planHash, call);
  const { run } = await call.fleet.getRun({ runId }, { signal });
  const state = run?.rollout?.state ?? RolloutState.UNSPECIFIED;
  if (run && state === RolloutState.HALTED) return run;
  const what = state === RolloutState.UNSPECIFIED ? "no rollout" : enumName(RolloutStateSchema, state);
  throw failure(ErrorReason.ROLLOUT_OVER, `nothing is to be resumed: the run's rollout is ${what}`, {
    metadata: { run_id: runId, state: what },
    remedy: "look at the run with open_result; for hosts that are left, make a new plan",
  });
}

/** The prompt: what halted, where, why, and what going on means. */
export function describeHalted({ runId, method, rollout, accounting }: Run, how: string): string {
  const { wave = 0, waveCount = 0, sentHostCount = 0, haltMessage = "" } = rollout ?? {};
  const targeted = accounting?.targeted ?? 0;
  return [
    `Go on with ${findOperation(method).method.name} on the other ${targeted - sentHostCount} of ${targeted} hosts?`,
    `It halted in wave ${wave} of ${waveCount}: ${cleanText(haltMessage, maxReasonLength)}.`,
    `Run ${runId}; ${how}.`,
  ].join("\n");
}

/** Goes on, after the person confirmed. */
export async function resumeHalted(planHash: string, given: Arguments, call: ToolCall): Promise<CallToolResult> {
  const maxFailed = maxFailedOf(given);
  const runId = await runOf(planHash, call);
  const request = {
    runId,
    confirmation: confirmed(),
    haltCount: confirmedHaltCount(call),
    ...(maxFailed ? { maxFailed } : {}),
  };
  return renderRun(await followRun(call.fleet.resumeRollout(request), call));
}

async function runOf(planHash: string, call: ToolCall): Promise<string> {
  const { runId } = await call.fleet.getPlan({ planHash }, { signal: call.context.mcpReq.signal });
  if (runId !== "") return runId;
  throw failure(ErrorReason.ROLLOUT_OVER, "nothing is to be resumed: the plan was not committed yet", {
    metadata: { run_id: "", state: "not committed" },
    remedy: "call commit_change without resume",
  });
}
