// A run as clients see it.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Run, RunSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { RunRecord } from "./run-record.js";

/** The record and its accounting as it was stored with it. */
export function describeRun(record: RunRecord): Run {
  return create(RunSchema, {
    runId: record.runId,
    method: record.method,
    selector: record.selector,
    principal: record.principal,
    accounting: {
      ...record.states,
      duplicateReplies: record.duplicateReplies,
      lateReplies: record.lateReplies,
      invalidReplies: record.invalidReplies,
    },
    startedAt: timestampFromMs(record.startedAtMs),
    deadline: timestampFromMs(record.deadlineMs),
    deliverUntil: timestampFromMs(record.deliverUntilMs),
    revision: record.revision,
    planHash: record.planHash,
    ...(record.finishedAtMs === undefined ? {} : { finishedAt: timestampFromMs(record.finishedAtMs) }),
  });
}
