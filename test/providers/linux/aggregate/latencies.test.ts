// Times that are known: of calls that sleep, and of programs that have to share a CPU.
import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { test } from "../require-tracing.js";
import { countWhile, sum, withDoers } from "./aggregation-under-test.js";

// Each between two powers of two of nanoseconds.
test.each([
  [0.003, 21],
  [0.025, 24],
  [0.1, 26],
])("a call that sleeps %d seconds is in slot %i, or later when the machine is busy", async (seconds, slot) => {
  await withDoers(1, async ([doer]) => {
    const filter = { pids: [doer?.pid as number] };
    const question = { source: "syscall", by: "syscall", measure: "latency", filter } as const;
    const reading = await countWhile(question, () => doer?.do(`select(undef, undef, undef, ${seconds}) for (1..8)`));
    const row = reading.rows.find(({ key }) => /select/.test(key.text));
    expect(row?.count).toBe(8);
    expect(sum((row?.slots ?? []).slice(0, slot))).toBe(0);
    expect(row?.slots?.[slot]).toBeGreaterThan(0);
    expect(row?.sum).toBeGreaterThanOrEqual(8 * seconds * 1e9);
    expect(sum(reading.slots ?? [])).toBe(reading.total);
  });
});

test("a call that was under way already has no time, and is counted as that", async () => {
  await withDoers(1, async ([doer]) => {
    const filter = { pids: [doer?.pid as number] };
    // It waits for a line, and has since before.
    await doer?.waits();
    const reading = await countWhile({ source: "syscall", by: "none", measure: "latency", filter }, () =>
      doer?.do("getppid() for (1..50)"),
    );
    expect(reading.unmatched).toBe(1);
    expect(reading.total).toBeGreaterThanOrEqual(50);
  });
});

test("a thread that is woken so often waits for a CPU so often", async () => {
  await withDoers(1, async ([doer]) => {
    const filter = { pids: [doer?.pid as number] };
    const reading = await countWhile({ source: "runQueue", by: "process", measure: "latency", filter }, () =>
      doer?.do("select(undef, undef, undef, 0.001) for (1..100)"),
    );
    expect(reading.rows.map(({ key }) => key.pid)).toEqual([doer?.pid]);
    expect(reading.total).toBeGreaterThanOrEqual(100);
    expect(reading.unmatched).toBe(0);
  });
});

test("two that share a CPU each wait a good part of the time, and never longer than it was", async () => {
  await withDoers(2, async (doers) => {
    const filter = { pids: doers.map(({ pid }) => pid) };
    for (const pid of filter.pids) execFileSync("taskset", ["-cp", "0", String(pid)]);
    const started = performance.now();
    const reading = await countWhile({ source: "runQueue", by: "process", measure: "latency", filter }, async () => {
      const busy = "use Time::HiRes; my $end = Time::HiRes::time() + 0.6; while (Time::HiRes::time() < $end) {}";
      await Promise.all(doers.map((doer) => doer.do(busy)));
      await sleep(50);
    });
    const wallNs = (performance.now() - started) * 1e6;
    expect(reading.rows.map(({ key }) => key.pid).sort()).toEqual([...filter.pids].sort());
    for (const row of reading.rows) {
      expect(row.sum).toBeGreaterThan(0.1e9);
      expect(row.sum).toBeLessThan(wallNs);
    }
  });
});
