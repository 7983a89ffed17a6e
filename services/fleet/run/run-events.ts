// A run as the events of a stream: started, progress, and for those that end with one, finished.
import { create } from "@bufbuild/protobuf";
import {
  type Run,
  type RunFinished,
  RunFinishedSchema,
  type RunProgress,
  RunProgressSchema,
  type RunStarted,
  RunStartedSchema,
} from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { Summary } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { followProgress } from "./follow-run.js";
import type { TrackedRun } from "./tracked-run.js";

/** What is said while the run goes on. */
export type LiveEvent = { case: "started"; value: RunStarted } | { case: "progress"; value: RunProgress };

/** The last word. */
export interface FinishedEvent {
  readonly case: "finished";
  readonly value: RunFinished;
}

/** When a stream ends before its run. */
export interface StreamEnds {
  /** The caller went away; it is told nothing more. */
  readonly caller: AbortSignal;
  /** The control plane stops; a caller that is still there is told so, with UNREACHABLE. */
  readonly stopping: AbortSignal;
}

/** Ends when the caller can be answered, and what it is told is on disk. */
export async function* liveEvents(run: TrackedRun, { caller, stopping }: StreamEnds): AsyncGenerator<LiveEvent> {
  const { runId } = run.record;
  yield { case: "started", value: create(RunStartedSchema, { runId, targeted: run.targets.length }) };
  for await (const accounting of followProgress(run, [caller, stopping])) {
    yield { case: "progress", value: create(RunProgressSchema, { accounting }) };
  }
  if (!run.isConcluded && stopping.aborted) throw fleetStops(runId);
  if (!caller.aborted) await run.concluded;
}

/** The last event of a run whose caller can be answered. */
export function finishedEvent(run: Run, summary: Summary): FinishedEvent {
  return { case: "finished", value: create(RunFinishedSchema, { run, summary }) };
}

/** Told to a caller that is still there when the control plane stops. */
export function fleetStops(runId: string) {
  return failure(ErrorReason.UNREACHABLE, "the control plane is stopping", {
    metadata: { address: "fleet", run_id: runId },
    remedy: `read the run ${runId} when it is back: it goes on, and its answers are kept`,
  });
}
