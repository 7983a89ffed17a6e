// Files that are really opened, read, written and removed, counted to the unit.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import type { AggregationSource } from "../../../../services/providers/linux/aggregate/aggregation-question.js";
import { describe, test } from "../require-tracing.js";
import { countsOf, countWhile, withDoers } from "./aggregation-under-test.js";

const folder = mkdtempSync(join(tmpdir(), "file-counts-"));
const inside = join(folder, "inside");
const outside = join(folder, "outside");
for (const directory of [inside, outside]) mkdirSync(directory);
afterAll(() => rmSync(folder, { recursive: true }));

const [first, second] = [join(inside, "first"), join(inside, "second")];
const other = join(outside, "other");

const touch = (path: string) => `open(my $f, ">", "${path}") or die $!; close($f);`;
const read = (path: string, bytes: number) =>
  `open(my $f, "<", "${path}") or die $!; sysread($f, my $b, ${bytes}); close($f);`;
const write = (path: string, bytes: number) =>
  `open(my $f, ">", "${path}") or die $!; syswrite($f, "x" x ${bytes}); close($f);`;
const times = (count: number, script: string) => `for (1..${count}) { ${script} }`;

// What each does to one file, and the bytes that this is.
const acts: [AggregationSource, (path: string) => string, number][] = [
  ["fileOpen", touch, 0],
  ["fileRead", (path) => read(path, 300), 300],
  ["fileWrite", (path) => write(path, 4_000), 4_000],
  ["fileUnlink", (path) => `${touch(path)} unlink("${path}") or die $!;`, 0],
];

describe.each(acts)("%s", (source, act, bytes) => {
  test("by path: each file its own count and bytes; nothing of other folders", async () => {
    for (const path of [first, second, other]) writeFileSync(path, "y".repeat(300));
    await withDoers(2, async ([one, two]) => {
      const question = { source, by: "path", measure: "count", filter: { paths: [inside] } } as const;
      const reading = await countWhile(question, async () => {
        await Promise.all([one?.do(times(37, act(first))), two?.do(times(11, act(second)) + times(50, act(other)))]);
      });
      expect(reading.rows.map(({ key, count, sum }) => [key.text, count, sum]).sort()).toEqual([
        [first, 37, 37 * bytes],
        [second, 11, 11 * bytes],
      ]);
      expect(reading).toMatchObject({ total: 48, other: 0, unmatched: 0 });
      expect(reading.filtered).toBeGreaterThanOrEqual(50);
    });
  });

  test("by process: each its own count, by pid and start; nobody else", async () => {
    for (const path of [first, second]) writeFileSync(path, "y".repeat(300));
    await withDoers(3, async ([one, two, left]) => {
      const pids = [one, two].map((doer) => doer?.pid as number);
      const question = { source, by: "process", measure: "count", filter: { pids, paths: [inside] } } as const;
      const reading = await countWhile(question, async () => {
        await one?.do(times(5, act(first)));
        await two?.do(times(9, act(first)));
        await left?.do(times(3, act(second)));
      });
      expect(countsOf(reading)).toEqual([
        [`perl[${two?.pid}]`, 9],
        [`perl[${one?.pid}]`, 5],
      ]);
      for (const { key } of reading.rows) expect(key).toMatchObject({ comm: "perl", startNs: expect.any(BigInt) });
    });
  });
});

test("an open that fails is counted by the path that was asked for", async () => {
  const missing = join(inside, "missing");
  await withDoers(1, async ([doer]) => {
    const question = { source: "fileOpen", by: "path", measure: "count", filter: { paths: [missing] } } as const;
    const reading = await countWhile(question, () => doer?.do(times(6, `open(my $f, "<", "${missing}");`)));
    expect(countsOf(reading)).toEqual([[missing, 6]]);
  });
});

test("paths of up to 4,095 bytes are told apart by their last byte", async () => {
  const deep = join(inside, ...Array.from({ length: 15 }, () => "d".repeat(250)));
  const [one, two] = ["1", "2"].map((last) => `${"e".repeat(4_094 - deep.length - 2)}${last}`);
  await withDoers(1, async ([doer]) => {
    const question = { source: "fileOpen", by: "path", measure: "count", filter: { paths: [inside] } } as const;
    const reading = await countWhile(question, async () => {
      await doer?.do(times(2, `open(my $f, "<", "${deep}/${one}");`));
      await doer?.do(times(3, `open(my $f, "<", "${deep}/${two}");`));
    });
    expect(countsOf(reading)).toEqual([
      [`${deep}/${two}`, 3],
      [`${deep}/${one}`, 2],
    ]);
  });
});
