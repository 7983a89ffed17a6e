// System calls of programs that make exactly so many.
import { readFileSync, statSync } from "node:fs";
import { expect } from "vitest";
import type { AggregationKey } from "../../../../services/providers/linux/aggregate/aggregation-question.js";
import { describe, test } from "../require-tracing.js";
import { countsOf, countWhile, type Doer, expectIdentity, sumOf, withDoers } from "./aggregation-under-test.js";

const asks = (times: number) => `getppid() for (1..${times})`;
const rowOf = (rows: readonly [string, number][], text: string) => rows.find(([key]) => key === text)?.[1];

function cgroupOf(pid: number): bigint {
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
  return statSync(`/sys/fs/cgroup${path}`, { bigint: true }).ino;
}

test("by system call: the one that is made 1,000 times has 1,000, with its name", async () => {
  await withDoers(2, async ([doer, left]) => {
    const question = {
      source: "syscall",
      by: "syscall",
      measure: "count",
      filter: { pids: [doer?.pid as number] },
    } as const;
    const reading = await countWhile(question, async () => {
      await left?.do(asks(300));
      await doer?.do(`${asks(1_000)}; umask() for (1..70)`);
      // Calls are counted when they begin: a doer that answers this line has begun to read it.
      await doer?.do("1");
    });
    const counts = countsOf(reading);
    expect(counts[0]).toEqual(["getppid", 1_000]);
    expect(rowOf(counts, "umask")).toBe(70);
    expect(rowOf(counts, "read")).toBeGreaterThan(0);
  });
});

describe("other keys", () => {
  const keys: [AggregationKey, (doer: Doer) => string][] = [
    ["none", () => "all"],
    ["comm", () => "perl"],
    ["process", ({ pid }) => `perl[${pid}]`],
    ["user", () => String(process.getuid?.())],
    ["cgroup", ({ pid }) => `cgroup ${cgroupOf(pid)}`],
  ];
  test.each(keys)("by %s there is one row, with all", async (by, textOf) => {
    await withDoers(1, async ([doer]) => {
      const pids = [doer?.pid as number];
      const question = { source: "syscall", by, measure: "count", filter: { pids } } as const;
      const reading = await countWhile(question, () => doer?.do(asks(2_000)));
      expect(reading.rows.map(({ key }) => key.text)).toEqual([textOf(doer as Doer)]);
      expect(reading.total).toBeGreaterThanOrEqual(2_000);
      expect(reading.total).toBeLessThan(2_050);
    });
  });
});

test("a process tree: the children that a root makes are counted, and nobody else", async () => {
  await withDoers(2, async ([root, left]) => {
    const question = {
      source: "syscall",
      by: "process",
      measure: "count",
      filter: { roots: [root?.pid as number] },
    } as const;
    const reading = await countWhile(question, async () => {
      await left?.do(asks(500));
      await root?.do(`if (my $p = fork) { waitpid($p, 0) } else { ${asks(800)}; require POSIX; POSIX::_exit(0) }`);
    });
    expect(reading.rows.map(({ key }) => key.pid)).not.toContain(left?.pid);
    expect(reading.rows).toHaveLength(2);
    const child = reading.rows.find(({ key }) => key.pid !== root?.pid);
    expect(child?.count).toBeGreaterThanOrEqual(800);
  });
});

test("the filter can be changed while it counts, and what was counted stays", async () => {
  await withDoers(2, async ([one, two]) => {
    const pids = (doer?: Doer) => ({ pids: [doer?.pid as number] });
    const question = { source: "syscall", by: "process", measure: "count", filter: pids(one) } as const;
    const reading = await countWhile(question, async (aggregation) => {
      const both = async () => {
        await one?.do(asks(100));
        await two?.do(asks(100));
      };
      await both();
      const before = await aggregation.read();
      expectIdentity(before);
      expect(before.rows.map(({ key }) => key.pid)).toEqual([one?.pid]);
      await aggregation.setFilter(pids(two));
      await both();
      await aggregation.setFilter({ comms: ["nobody"] });
      await both();
    });
    expect(reading.rows.map(({ key }) => key.pid).sort()).toEqual([one?.pid, two?.pid].sort());
    for (const { count } of reading.rows) {
      expect(count).toBeGreaterThanOrEqual(100);
      expect(count).toBeLessThan(125);
    }
  });
});

test("each reading has what the one before it had, and its parts are never more than the whole", async () => {
  await withDoers(2, async (doers) => {
    const question = { source: "syscall", by: "process", measure: "count" } as const;
    await countWhile(question, async (aggregation) => {
      const storm = Promise.all(doers.map((doer) => doer.do(asks(300_000))));
      let before = 0;
      for (let round = 0; round < 20; round++) {
        const reading = await aggregation.read();
        expectIdentity(reading);
        expect(sumOf(reading.rows)).toBeGreaterThanOrEqual(before);
        before = sumOf(reading.rows);
      }
      await storm;
    });
  });
});
