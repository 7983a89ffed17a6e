// Shows a run on the terminal: progress on stderr, the answer on stdout.
import { toJsonString } from "@bufbuild/protobuf";
import type { Accounting, Plan, RunFinished, RunProgress, RunStarted } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { type Summary, SummarySchema } from "../gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";

/** The events that a run or a plan streams. */
export type RunEvent =
  | { case: "started"; value: RunStarted }
  | { case: "progress"; value: RunProgress }
  | { case: "finished"; value: RunFinished }
  | { case: "planned"; value: Plan }
  | { case: undefined; value?: undefined };

/** Follows a run to its end. */
export async function followRun(responses: AsyncIterable<{ event: RunEvent }>): Promise<RunFinished> {
  const last = await follow(responses);
  if (last?.case !== "finished") throw endedEarly();
  return last.value;
}

/** Follows a dry run to its plan. */
export async function followPlan(responses: AsyncIterable<{ event: RunEvent }>): Promise<Plan> {
  const last = await follow(responses);
  if (last?.case !== "planned") throw endedEarly();
  return last.value;
}

async function follow(responses: AsyncIterable<{ event: RunEvent }>): Promise<RunEvent | undefined> {
  let last: RunEvent | undefined;
  for await (const { event } of responses) {
    if (event.case === "progress" && event.value.accounting) showProgress(event.value.accounting);
    last = event;
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  return last;
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

function endedEarly(): Error {
  return failure(ErrorReason.INTERNAL, "the run's stream ended before its result", {
    remedy: "ask again; if it repeats, look at the log of the control plane",
  });
}

function showProgress(accounting: Accounting): void {
  if (!process.stderr.isTTY) return;
  const done = accounting.targeted - accounting.queued;
  process.stderr.write(`\r\x1b[K${done} of ${accounting.targeted} hosts`);
}
