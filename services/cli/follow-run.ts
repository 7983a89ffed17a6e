// Shows a run on the terminal: progress on stderr, the answer on stdout.
import { toJsonString } from "@bufbuild/protobuf";
import { RolloutStateSchema, type RolloutStatus } from "../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Accounting, Plan, RunFinished } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { type Summary, SummarySchema } from "../gen/systemsmanager/fleet/v1/summary_pb.js";
import { enumName } from "../shared/enum-names.js";
import { ErrorReason, failure } from "../shared/errors.js";
import * as runEvents from "../shared/run-events.js";

/** Follows a run to its end, with its progress on a terminal's stderr. */
export async function followRun(events: runEvents.RunEvents): Promise<RunFinished> {
  return runEvents.followRun(events, showEvent).finally(clearProgress);
}

/** Follows a dry run to its plan, likewise. */
export async function followPlan(events: runEvents.RunEvents): Promise<Plan> {
  return runEvents.followPlan(events, showEvent).finally(clearProgress);
}

/** Prints a summary, as text or as protobuf JSON. */
export function printSummary(summary: Summary | undefined, json: boolean): void {
  if (!summary) throw failure(ErrorReason.INTERNAL, "the answer has no summary");
  console.log(json ? toJsonString(SummarySchema, summary) : summary.text);
}

/** 0 when every host answered, 1 otherwise. */
export function exitCodeOf(accounting: Accounting | undefined): number {
  return accounting !== undefined && accounting.ok === accounting.targeted ? 0 : 1;
}

function showEvent(event: runEvents.RunEvent): void {
  if (!process.stderr.isTTY || event.case !== "progress" || !event.value.accounting) return;
  const { targeted, queued } = event.value.accounting;
  process.stderr.write(`\r\x1b[K${waveOf(event.value.rollout)}${targeted - queued} of ${targeted} hosts`);
}

function waveOf(rollout: RolloutStatus | undefined): string {
  if (!rollout) return "";
  return `wave ${rollout.wave} of ${rollout.waveCount}, ${enumName(RolloutStateSchema, rollout.state)}: `;
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
