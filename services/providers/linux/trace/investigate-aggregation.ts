// What counts and latencies have in common: the kernel aggregates, and the greatest rows are shown.
import type { TraceFilter, TraceKey, TraceSource } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { TraceDetail } from "../../../gen/systemsmanager/trace/v1/reading_pb.js";
import type { Findings, Investigation } from "../../trace/investigation.js";
import { type AggregationQuestion, keys, sources } from "../aggregate/aggregation-question.js";
import type { AggregationReading, AggregationRow } from "../aggregate/decode-reading.js";
import type { AggregationAddon } from "../aggregate/native-aggregation.js";
import { openAggregation } from "../aggregate/open-aggregation.js";
import { timeOfBoot } from "./boot-clock.js";
import { toCaptureFilter } from "./capture-filter.js";
import { Containers } from "./containers.js";
import { describeUntagged } from "./describe-untagged.js";
import { describeSlots } from "./latency-slots.js";
import { describeRefusedCapture } from "./refused-capture.js";

export interface AskedAggregation {
  readonly source: TraceSource;
  readonly by: TraceKey;
  readonly measure: AggregationQuestion["measure"];
  /** Rows that a reading shows. */
  readonly limit: number;
}

export async function investigateAggregation(
  addon: Partial<AggregationAddon>,
  { source, by, measure, limit }: AskedAggregation,
  filter: TraceFilter | undefined,
): Promise<Investigation> {
  const question: AggregationQuestion = {
    source: nameOf(sources, source),
    by: nameOf(keys, by),
    measure,
    filter: await toCaptureFilter(filter),
  };
  const aggregation = await openAggregation(addon, question).catch((error: unknown) => {
    throw describeRefusedCapture(error, [question.source]);
  });
  const containers = new Containers();
  const describe = (reading: AggregationReading) => describeReading(reading, question, limit, containers);
  return {
    backend: "bpf",
    notes: notesOf(question),
    read: async () => describe(await aggregation.read()),
    // It sends nothing anywhere: there is nothing that could be told less often.
    degrade: () => TraceDetail.FULL,
    close: async () => describe(await aggregation.close()),
  };
}

// The proto's rules let no other number through.
function nameOf<Name extends string>(names: Readonly<Record<Name, number>>, number: number): Name {
  return Object.keys(names).find((name) => names[name as Name] === number) as Name;
}

function describeReading(
  reading: AggregationReading,
  { source }: AggregationQuestion,
  limit: number,
  containers: Containers,
): Findings {
  const { attempted, filtered, other, unmatched, underWay, total, untaggedProcesses } = reading;
  const rows = [...reading.rows].sort(greatestFirst);
  const rest = rows.slice(limit).reduce((sum, { count }) => sum + count, 0);
  return {
    accounts: [
      {
        name: source,
        attempted: BigInt(attempted),
        filtered: BigInt(filtered),
        ringFull: BigInt(other),
        unreadable: BigInt(unmatched),
        undelivered: BigInt(underWay),
        delivered: BigInt(total - other),
      },
    ],
    rows: rows.slice(0, limit).map((row) => describeRow(row, containers)),
    otherCount: BigInt(other + rest),
    unmatchedCount: BigInt(unmatched),
    slots: describeSlots(reading.slots ?? []),
    notes: describeUntagged(untaggedProcesses),
  };
}

// Equal ones in the order of their texts, so that the same figures read the same.
function greatestFirst(one: AggregationRow, other: AggregationRow): number {
  return other.count - one.count || (one.key.text < other.key.text ? -1 : 1);
}

function describeRow({ key, count, sum, slots = [] }: AggregationRow, containers: Containers) {
  const { pid, startNs, cgroup, text } = key;
  return {
    key: (cgroup !== undefined && containers.pathOf(cgroup)) || text,
    count: BigInt(count),
    sum: BigInt(sum),
    ...(pid === undefined || startNs === undefined ? {} : { pid, startTime: timeOfBoot(startNs) }),
    slots: describeSlots(slots),
  };
}

function notesOf({ source, measure }: AggregationQuestion): string[] {
  const notes = ["what the daemon itself does is not counted"];
  if (source === "tcpConnect" || source === "tcpAccept") notes.push("connections that did not come about are filtered");
  if (source.startsWith("file"))
    notes.push("calls that failed are counted; what io_uring does is not, and calls of 32-bit programs are unmatched");
  if (source === "syscall" && measure === "latency") notes.push("a call that has not returned has no time yet");
  return notes;
}
