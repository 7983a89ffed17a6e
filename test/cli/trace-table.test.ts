import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { describeCounts } from "../../services/cli/trace-table.js";
import { RowHostsSchema } from "../../services/gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { TraceReadingSchema } from "../../services/gen/systemsmanager/trace/v1/reading_pb.js";

const onHosts = (hosts: number, greatestHost: string) => create(RowHostsSchema, { hosts, greatestHost });

test("counts are rows, greatest first, with bytes and who has most; what is left out is counted", () => {
  const reading = create(TraceReadingSchema, {
    rows: [
      { key: "/var/log/\x1b[31msyslog", count: 12_345n, sum: 4_096n },
      { key: "/etc/passwd", count: 7n },
      { key: "/etc/hosts", count: 2n },
    ],
    otherCount: 3n,
    unmatchedCount: 4n,
  });
  expect(describeCounts(reading, [onHosts(3, "web-1"), onHosts(1, "web-2")], 2)).toEqual([
    "      12,345  /var/log/syslog  4,096 bytes  most on web-1, of 3 hosts",
    "           7  /etc/passwd",
    "           5  others",
    "           4  of unknown key",
  ]);
});

test("latencies have a histogram of all, an average for each row, and what has no time", () => {
  const reading = create(TraceReadingSchema, {
    rows: [{ key: "read", count: 4n, sum: 10_000n }],
    unmatchedCount: 1n,
    slots: [
      { range: "1-2us", power: 10, count: 4n },
      { range: "2-4us", power: 11, count: 1n },
    ],
  });
  expect(describeCounts(reading, [], 10)).toEqual([
    `       1-2us  ${"#".repeat(40)}  4`,
    `       2-4us  ${"#".repeat(10).padEnd(40)}  1`,
    "           4  read  2.5 us on average",
    "           1  of unknown time: they began unseen",
  ]);
});

test("a reading without rows has no lines", () => {
  expect(describeCounts(undefined, [], 10)).toEqual([]);
  expect(describeCounts(create(TraceReadingSchema, {}), [], 10)).toEqual([]);
});
