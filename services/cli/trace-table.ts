// Counts and times of a trace as lines for people: a histogram of all, then the greatest rows and who has most of each.
import type { RowHosts } from "../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import type { CountRow, LatencySlot, TraceReading } from "../gen/systemsmanager/trace/v1/reading_pb.js";
import { cleanText } from "../shared/untrusted-text.js";

const barWidth = 40;

/** No lines for a reading that has neither. */
export function describeCounts(
  reading: TraceReading | undefined,
  rowHosts: readonly RowHosts[],
  mostRows: number,
): string[] {
  if (!reading || reading.rows.length === 0) return [];
  const { rows, otherCount, unmatchedCount, slots } = reading;
  const isLatency = slots.length > 0;
  const rest = rows.slice(mostRows).reduce((sum, { count }) => sum + count, otherCount);
  const unmatched = isLatency ? "of unknown time: they began unseen" : "of unknown key";
  return [
    ...describeHistogram(slots),
    ...rows.slice(0, mostRows).map((row, index) => describeRow(row, rowHosts[index], isLatency)),
    ...(rest > 0n ? [`${padded(rest)}  others`] : []),
    ...(unmatchedCount > 0n ? [`${padded(unmatchedCount)}  ${unmatched}`] : []),
  ];
}

function describeRow(row: CountRow, hosts: RowHosts | undefined, isLatency: boolean): string {
  const most = hosts && hosts.hosts > 1 ? `  most on ${hosts.greatestHost}, of ${hosts.hosts} hosts` : "";
  return `${padded(row.count)}  ${cleanText(row.key)}${describeSum(row, isLatency)}${most}`;
}

function describeSum({ count, sum }: CountRow, isLatency: boolean): string {
  if (sum === 0n) return "";
  return isLatency
    ? `  ${describeTime(Number(sum) / Number(count))} on average`
    : `  ${sum.toLocaleString("en")} bytes`;
}

function describeHistogram(slots: readonly LatencySlot[]): string[] {
  const most = slots.reduce((greatest, { count }) => (count > greatest ? count : greatest), 1n);
  return slots.map(({ range, count }) => {
    const bar = "#".repeat(Math.ceil((Number(count) / Number(most)) * barWidth));
    return `${range.padStart(12)}  ${bar.padEnd(barWidth)}  ${count.toLocaleString("en")}`;
  });
}

function describeTime(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${nanoseconds.toFixed(0)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} us`;
  return nanoseconds < 1e9 ? `${(nanoseconds / 1e6).toFixed(1)} ms` : `${(nanoseconds / 1e9).toFixed(2)} s`;
}

function padded(count: bigint): string {
  return count.toLocaleString("en").padStart(12);
}
