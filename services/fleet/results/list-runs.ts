// A principal's runs, newest first, in pages.
import { create } from "@bufbuild/protobuf";
import {
  type ListRunsRequest,
  type ListRunsResponse,
  ListRunsResponseSchema,
} from "../../gen/systemsmanager/fleet/v1/run_operation_pb.js";
import type { RunManager } from "../run/run-manager.js";
import type { StateDatabase } from "../state-database.js";
import { pagerFor } from "./page-token.js";

const defaultPageSize = 50;

/** Throws INVALID_HANDLE for a page token of another listing. */
export function listRuns(
  database: StateDatabase,
  runs: RunManager,
  request: ListRunsRequest,
  principal: string,
): ListRunsResponse {
  const pager = pagerFor(database.handleKey, ["runs", principal]);
  const pageSize = request.pageSize || defaultPageSize;
  const after = pager.start(request.pageToken);
  const start = after === "" ? {} : { start: JSON.parse(after) as [number, string], exclusiveStart: true };
  const keys: [number, string][] = [];
  for (const { key, value } of database.runsByTime.getRange({ reverse: true, ...start })) {
    if (value === principal) keys.push(key);
    if (keys.length > pageSize) break;
  }
  const page = keys.slice(0, pageSize);
  return create(ListRunsResponseSchema, {
    runs: page.flatMap(([, runId]) => runs.describe(runId) ?? []),
    nextPageToken: keys.length > pageSize ? pager.next(JSON.stringify(page.at(-1))) : "",
  });
}
