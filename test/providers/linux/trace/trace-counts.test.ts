// Sessions that count and measure on the real kernel, as a daemon runs them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, expect } from "vitest";
import { mergeReadings } from "../../../../services/fleet/trace/merge-readings.js";
import type { TraceFilter } from "../../../../services/gen/systemsmanager/trace/v1/question_pb.js";
import { TraceKey, TraceSource } from "../../../../services/gen/systemsmanager/trace/v1/question_pb.js";
import {
  type EventAccount,
  TraceDetail,
  type TraceReading,
  TraceState,
} from "../../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import { Doer, withDoers } from "../aggregate/aggregation-under-test.js";
import { describe, test } from "../require-tracing.js";
import { readTraceSession, startTraceSession, stopTraceSession, useProvider } from "./provider-under-test.js";

const call = useProvider();
const folder = mkdtempSync(join(tmpdir(), "trace-counts-"));
const [ledger, journal] = [join(folder, "ledger"), join(folder, "journal")];
for (const file of [ledger, journal]) writeFileSync(file, "");
afterAll(() => rmSync(folder, { recursive: true }));
let sessions = 0;

interface Asked {
  readonly case: "count" | "latency";
  readonly source: TraceSource;
  readonly by?: TraceKey;
  readonly limit?: number;
}

/** The last reading of a session that was stopped. */
async function trace(
  { case: name, source, by = 0, limit = 0 }: Asked,
  filter: Partial<TraceFilter>,
  action: (read: () => Promise<TraceReading>) => Promise<unknown>,
): Promise<TraceReading> {
  const sessionId = `counts-${process.pid}-${sessions++}`;
  const question = { question: { case: name, value: { source, by, limit } }, filter };
  await call(startTraceSession, { sessionId, question: question as never, duration: durationFromMs(60_000) });
  await action(async () => (await call(readTraceSession, { sessionId })).reading as TraceReading);
  const { reading } = await call(stopTraceSession, { sessionId });
  expect(reading).toMatchObject({ state: TraceState.STOPPED, detail: TraceDetail.FULL, backend: "bpf" });
  expectIdentity(reading as TraceReading);
  expect(reading?.accounts[0]?.undelivered).toBe(0n);
  return reading as TraceReading;
}

function expectIdentity({ accounts: [account], rows, otherCount, unmatchedCount }: TraceReading): void {
  const { attempted, name: _, $typeName: __, $unknown: ___, ...ends } = account as EventAccount;
  expect(total(Object.values(ends as Record<string, bigint>))).toBe(attempted);
  const { delivered, ringFull, noScratch, unreadable } = account as EventAccount;
  expect(total(rows.map(({ count }) => count)) + otherCount).toBe(delivered + ringFull + noScratch);
  expect(unmatchedCount).toBe(unreadable);
}

const total = (counts: readonly bigint[]) => counts.reduce((sum, count) => sum + count, 0n);
const writes = (file: string, times: number) =>
  `for (1..${times}) { open(my $f, ">>", "${file}") or die $!; syswrite($f, "x" x 100); close($f) }`;

describe("a session of counts", () => {
  test("tells who writes where, greatest first, with bytes; the rest is counted", async () => {
    await withDoers(1, async ([doer]) => {
      const asked = { case: "count", source: TraceSource.FILE_WRITE, by: TraceKey.PATH, limit: 1 } as const;
      const reading = await trace(asked, { paths: [folder] }, async (read) => {
        await doer?.do(writes(ledger, 30));
        const before = await read();
        expectIdentity(before);
        expect(before.rows).toMatchObject([{ key: ledger, count: 30n, sum: 3_000n }]);
        await doer?.do(writes(journal, 7) + writes(ledger, 5));
      });
      expect(reading.rows).toMatchObject([{ key: ledger, count: 35n, sum: 3_500n }]);
      expect(reading.otherCount).toBe(7n);
      expect(reading.accounts[0]).toMatchObject({ name: "fileWrite", delivered: 42n });
    });
  });

  test("by process names it for ever", async () => {
    const doer = await Doer.start();
    const asked = { case: "count", source: TraceSource.FILE_WRITE, by: TraceKey.PROCESS } as const;
    const reading = await trace(asked, { paths: [folder] }, () => doer.do(writes(ledger, 3)));
    expect(reading.rows).toMatchObject([{ key: `perl[${doer.pid}]`, count: 3n, pid: doer.pid }]);
    expect(Math.abs(Number(reading.rows[0]?.startTime?.seconds) - Date.now() / 1_000)).toBeLessThan(60);
    await doer.end();
  });

  test("by cgroup tells its path", async () => {
    const asked = { case: "count", source: TraceSource.FILE_WRITE, by: TraceKey.CGROUP } as const;
    const reading = await trace(asked, { paths: [folder] }, () =>
      withDoers(1, async ([doer]) => doer?.do(writes(ledger, 3))),
    );
    expect(reading.rows).toMatchObject([{ key: expect.stringMatching(/^\//), count: 3n }]);
  });

  test("of many hosts merge exactly", async () => {
    const asked = { case: "count", source: TraceSource.FILE_WRITE, by: TraceKey.PATH, limit: 1 } as const;
    const readings = [];
    for (const [ledgers, journals] of [
      [4, 2],
      [1, 9],
    ] as const) {
      const reading = await trace(asked, { paths: [folder] }, () =>
        withDoers(1, async ([doer]) => doer?.do(writes(ledger, ledgers) + writes(journal, journals))),
      );
      readings.push({ host: `host-${readings.length}`, reading });
    }
    const { merged, rowHosts } = mergeReadings(readings, 10);
    expect(merged.rows).toMatchObject([
      { key: journal, count: 9n, sum: 900n },
      { key: ledger, count: 4n, sum: 400n },
    ]);
    expect(merged.otherCount).toBe(3n);
    expect(rowHosts).toMatchObject([{ greatestHost: "host-1" }, { greatestHost: "host-0" }]);
    expectIdentity(merged);
  });
});

test("a session of latencies tells how long calls took, of all and of each", async () => {
  await withDoers(1, async ([doer]) => {
    const asked = { case: "latency", source: TraceSource.SYSCALL, by: TraceKey.SYSCALL } as const;
    const reading = await trace(
      asked,
      { pids: [doer?.pid as number] },
      () => doer?.do("select(undef, undef, undef, 0.05) for (1..10); getppid() for (1..500)") as Promise<void>,
    );
    const row = (name: RegExp) => reading.rows.find(({ key }) => name.test(key));
    expect(row(/^getppid$/)?.count).toBe(500n);
    const sleep = row(/^p?select6?$/);
    expect(sleep?.count).toBe(10n);
    // 50 ms are between 2^25 and 2^26 nanoseconds; on a busy machine a sleeper may wake later.
    for (const { power, range } of sleep?.slots ?? []) {
      expect(power).toBeGreaterThanOrEqual(25);
      if (power === 25) expect(range).toBe("32-64ms");
    }
    expect(Number(sleep?.sum)).toBeGreaterThan(10 * 50e6);
    expect(total(reading.slots.map(({ count }) => count))).toBe(reading.accounts[0]?.delivered);
  });
});

test.each([
  ["count", TraceSource.RUN_QUEUE, TraceKey.PATH, /runQueue cannot be counted by path/],
  ["latency", TraceSource.EXEC, TraceKey.UNSPECIFIED, /exec has no latency/],
  ["latency", TraceSource.SYSCALL, TraceKey.USER, /syscall cannot be measured by user/],
] as const)("a session of the %s of %i by %i is refused", async (name, source, by, words) => {
  const error = await trace({ case: name, source, by }, {}, async () => undefined).catch((caught: unknown) => caught);
  expect(errorDetailOf(error)?.reason).toBe(ErrorReason.INVALID_ARGUMENT);
  expect(String(error)).toMatch(words);
});
