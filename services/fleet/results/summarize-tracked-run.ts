// A run as the summarizer takes it.
import { create } from "@bufbuild/protobuf";
import { type Summary, SummarySchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import { classifyErrors } from "./error-classes.js";
import { makeHandles } from "./result-handles.js";

/** The summary of what the hosts of a run answered so far. */
export async function summarizeTrackedRun(
  database: StateDatabase,
  run: TrackedRun,
  options: { readonly tokenBudget: number; readonly retentionMs: number },
): Promise<Summary> {
  return create(SummarySchema, {
    runId: run.record.runId,
    revision: run.record.revision,
    errors: classifyErrors(run),
    handles: makeHandles(database.handleKey, run, options.retentionMs),
  });
}
