// QueryLogs: lines of the journal, newest kept, all matches counted.
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { QueryLogsRequest } from "../../../gen/systemsmanager/telemetry/v1/log_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, hasReason } from "../../../shared/errors.js";
import { compilePattern } from "../../../shared/pattern.js";
import type { OperationHandlers } from "../../os-provider.js";
import { normalizeUnitName } from "../service-manager/unit-name.js";
import { MatchCollector } from "./collect-matches.js";
import { badCursor, readJournal } from "./journalctl.js";
import { isUnitKnown } from "./known-unit.js";

const defaultLimit = 100;
// The operation's own deadline is 30 s; what is counted by then should still reach the caller.
const countingBudgetMs = 20_000;

/** Handlers of the system log's reads. */
export function createLogHandlers(): Pick<OperationHandlers<typeof TelemetryService>, "queryLogs"> {
  return {
    async queryLogs(request, { signal }) {
      const collector = collectorOf(request);
      const countIsLowerBound = !(await readWithinBudget(request, collector, signal));
      const { kept, matchedCount, oldestCursor } = collector;
      const omitted = matchedCount - kept.length;
      const nothing = matchedCount === 0 && !countIsLowerBound && request.unit !== "";
      return {
        entries: kept.reverse(),
        matched: matchedCount > 0,
        matchedCount: BigInt(matchedCount),
        omittedCount: BigInt(omitted),
        countIsLowerBound,
        nextCursor: omitted > 0 || countIsLowerBound ? oldestCursor : "",
        unitUnknown: nothing && !(await isUnitKnown(normalizeUnitName(request.unit), signal)),
      };
    },
  };
}

function collectorOf(request: QueryLogsRequest): MatchCollector {
  return new MatchCollector({
    matches: compilePattern(request.pattern),
    limit: request.limit || defaultLimit,
    // The journal counts microseconds: not before is rounded up, not after down.
    ...(request.since && { since: (nanosecondsOf(request.since) + 999n) / 1000n }),
    ...(request.until && { until: nanosecondsOf(request.until) / 1000n }),
    ...(request.cursor && { afterCursor: request.cursor }),
  });
}

function nanosecondsOf({ seconds, nanos }: Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

// False when the time was over before the journal.
async function readWithinBudget(
  request: QueryLogsRequest,
  collector: MatchCollector,
  signal: AbortSignal,
): Promise<boolean> {
  const budget = AbortSignal.timeout(countingBudgetMs);
  try {
    const filters = journalFilters(request, collector);
    await readJournal(filters, (fields) => collector.add(fields), AbortSignal.any([signal, budget]));
    return true;
  } catch (error) {
    if (!hasReason(error, ErrorReason.DEADLINE_EXCEEDED)) throw error;
    return false;
  }
}

function journalFilters(request: QueryLogsRequest, { options: { since, until } }: MatchCollector): string[] {
  const filters: string[] = [];
  if (request.unit) filters.push(`--unit=${normalizeUnitName(request.unit)}`);
  if (request.maxPriority > 0) filters.push(`--priority=${request.maxPriority - 1}`);
  const boot = request.boot ?? (request.since ? undefined : 0);
  if (boot !== undefined) filters.push(`--boot=${boot}`);
  if (request.cursor) filters.push(cursorFilter(request.cursor));
  else filters.push(...timeFilters(since, until));
  return filters;
}

// journalctl takes either a cursor or a time to begin at; the collector checks the times in both cases.
function timeFilters(since: bigint | undefined, until: bigint | undefined): string[] {
  return [
    ...(since === undefined ? [] : [`--since=@${secondsText(since)}`]),
    ...(until === undefined ? [] : [`--until=@${secondsText(until)}`]),
  ];
}

function secondsText(time: bigint): string {
  const microseconds = time > 0n ? time : 0n;
  return `${microseconds / 1_000_000n}.${(microseconds % 1_000_000n).toString().padStart(6, "0")}`;
}

function cursorFilter(cursor: string): string {
  if (!/^s=[0-9a-f]+(;[a-z]=[0-9a-f]+)+$/.test(cursor)) throw badCursor();
  return `--cursor=${cursor}`;
}
