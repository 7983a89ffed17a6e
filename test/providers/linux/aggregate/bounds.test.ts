// What an aggregation does at its limits: no room, questions without sense, a process that is killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import type { AggregationQuestion } from "../../../../services/providers/linux/aggregate/aggregation-question.js";
import { openAggregation } from "../../../../services/providers/linux/aggregate/open-aggregation.js";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { ErrorReason, hasReason } from "../../../../services/shared/errors.js";
import { heldBy, leftOf } from "../held-in-kernel.js";
import { describe, test } from "../require-tracing.js";
import { addon, countWhile, sum, sumOf, withDoers } from "./aggregation-under-test.js";

describe("with room for few keys under a storm, what has no row is in other, to the unit", () => {
  test.each([1, 2, 5])("%i paths of 40", async (maxKeys) => {
    await withDoers(2, async (doers) => {
      const folder = `/nowhere/${process.pid}`;
      const question = { source: "fileOpen", by: "path", measure: "count", filter: { paths: [folder] } } as const;
      const storm = `for my $n (1..5000) { open(my $f, "<", "${folder}/" . ($n % 40)) }`;
      const reading = await countWhile({ ...question, maxKeys }, () =>
        Promise.all(doers.map((doer) => doer.do(storm))),
      );
      expect(reading.total).toBe(10_000);
      expect(reading.rows).toHaveLength(maxKeys);
      expect(reading.other).toBe(10_000 - sumOf(reading.rows));
      expect(reading.other).toBe(10_000 - maxKeys * 250);
    });
  });

  test("3 system calls, and their latencies: all are in the histogram of all", async () => {
    await withDoers(2, async (doers) => {
      const filter = { pids: doers.map(({ pid }) => pid) };
      const storm = "for (1..20000) { getppid(); umask(); time(); -e '/'; }";
      const question = { source: "syscall", by: "syscall", measure: "latency", filter, maxKeys: 3 } as const;
      const reading = await countWhile(question, () => Promise.all(doers.map((doer) => doer.do(storm))));
      expect(reading.rows).toHaveLength(3);
      expect(reading.other).toBeGreaterThan(0);
      expect(sum(reading.slots ?? [])).toBe(reading.total);
    });
  });
});

describe("a question without sense is refused in words that say what would do", () => {
  test.each<[AggregationQuestion, RegExp]>([
    [{ source: "runQueue", by: "path", measure: "count" }, /runQueue cannot be counted by path.*none, process, comm/],
    [{ source: "fileRead", by: "remote", measure: "count" }, /fileRead cannot be counted by remote.*path/],
    [{ source: "syscall", by: "path", measure: "latency" }, /syscall cannot be measured by path.*syscall/],
    [{ source: "exec", by: "comm", measure: "count", filter: { paths: ["/etc"] } }, /exec has no path .*\/etc/],
    [{ source: "syscall", by: "comm", measure: "count", filter: { ports: [443] } }, /syscall has no port .*443/],
    [{ source: "blockIo", by: "none", measure: "latency", filter: { networks: ["::1"] } }, /blockIo has no address/],
    [{ source: "exec", by: "none", measure: "latency" }, /exec has no latency.*syscall, runQueue, blockIo, tcpConnect/],
    [{ source: "exec", by: "comm", measure: "count", maxKeys: 0 }, /0 keys.*1 to 65536/],
    [{ source: "fileOpen", by: "path", measure: "count", maxKeys: 65_536 }, /65536 keys.*1 to 16384/],
    [{ source: "fileOpen", by: "path", measure: "count", filter: { paths: ["etc"] } }, /"etc".*absolute/],
  ])("%o", async (question, words) => {
    const error = await openAggregation(addon, question).catch((caught: unknown) => caught);
    expect(hasReason(error, ErrorReason.INVALID_ARGUMENT)).toBe(true);
    expect(String(error)).toMatch(words);
  });

  test("a build without it says what is missing", async () => {
    const question = { source: "exec", by: "comm", measure: "count" } as const;
    const error = await openAggregation({}, question).catch((caught: unknown) => caught);
    expect(hasReason(error, ErrorReason.UNSUPPORTED)).toBe(true);
    expect(String(error)).toContain("install clang, bpftool and libbpf-dev");
  });

  test("one that is closed says so, and closes once", async () => {
    const aggregation = await openAggregation(addon, { source: "exec", by: "comm", measure: "count" });
    const last = await aggregation.close();
    expect(await aggregation.close()).toBe(last);
    await expect(aggregation.read()).rejects.toThrow("the aggregation is closed");
  });
});

// Of the programs of trees there are three, always.
const loaded: [string, number, number, boolean, number][] = [
  ["counts of system calls", 1, 3, false, 1],
  ["latencies of system calls", 1, 3, true, 2],
  ["opens by path", 2, 4, false, 1],
  ["latencies of the run queue", 11, 2, true, 3],
];

test.each(loaded)("%s: only its programs are loaded, and kill -9 leaves none and no map", async (...what) => {
  const [, source, by, measuresLatency, programs] = what;
  const lists = "pids cgroups users comms ports networks roots paths".split(" ").map((name) => [name, []]);
  const options = { source, by, measuresLatency, mostKeys: 100, filter: Object.fromEntries(lists) };
  const script = `
    const { openAggregation } = require(${JSON.stringify(builtAddonPath())});
    openAggregation(${JSON.stringify(options)}).then((open) => { globalThis.open = open; console.log("open"); });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const held = heldBy(child.pid as number);
    expect(held.programs).toHaveLength(3 + programs);
    expect(held.maps.length).toBeGreaterThan(5);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await leftOf(held)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});
