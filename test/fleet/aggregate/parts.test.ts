import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoundedTable } from "../../../services/fleet/aggregate/bounded-table.js";
import {
  addDistribution,
  addNumber,
  emptyDistribution,
  quantilesOf,
} from "../../../services/fleet/aggregate/distribution.js";
import { addSum, addValue, emptySum, sumOf } from "../../../services/fleet/aggregate/exact-sum.js";
import { addGreatest, greatestCount, greatestOf, mergeGreatest } from "../../../services/fleet/aggregate/greatest.js";
import { exemplarCount, fingerprintOf, hostSetOf } from "../../../services/fleet/aggregate/host-set.js";
import { addSample, type SampleEntry, sampleCount } from "../../../services/fleet/aggregate/samples.js";

describe("ExactSum", () => {
  const table: Array<[string, Array<number | bigint>, number]> = [
    ["nothing", [], 0],
    ["whole numbers beyond 2^53", [2n ** 60n, 1n, -(2n ** 60n)], 1],
    ["fractions that cancel", [1e300, 0.5, -1e300], 0.5],
    ["tenths", [0.1, 0.2, 0.3], 0.6],
    ["the smallest numbers", [5e-324, 5e-324], 1e-323],
    ["negative", [-2.5, 1], -1.5],
    ["more than a double holds", [Number.MAX_VALUE, Number.MAX_VALUE], Number.POSITIVE_INFINITY],
  ];
  test.each(table)("%s", (_name, values, expected) => {
    const sum = emptySum();
    for (const value of values) addValue(sum, value, 1);
    expect(sumOf(sum)).toBeCloseTo(expected, 12);
  });

  test("does not depend on order or split, and is within one unit in the last place", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 });
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 20 }), fc.nat(20), (values, split) => {
        const forward = emptySum();
        for (const value of values) addValue(forward, value, 2);
        const back = emptySum();
        const rest = emptySum();
        for (const value of values.slice(split).reverse()) addValue(back, value, 2);
        for (const value of values.slice(0, split)) addValue(rest, value, 2);
        addSum(back, rest);
        expect(sumOf(back)).toBe(sumOf(forward));
      }),
    );
  });
});

describe("distribution", () => {
  const hosts = hostSetOf(["a"]);

  test("quantiles are within 1 % of the exact ones, extremes exact, and merging is exact", () => {
    const value = fc
      .oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.integer({ min: -5, max: 5 }))
      .map((number) => number + 0);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), fc.nat(60), (values, split) => {
        const whole = emptyDistribution();
        for (const number of values) addNumber(whole, number, hosts);
        const parts = [values.slice(split), values.slice(0, split)].map((part) => {
          const distribution = emptyDistribution();
          for (const number of part) addNumber(distribution, number, hosts);
          return distribution;
        });
        const merged = emptyDistribution();
        for (const part of parts) addDistribution(merged, part);
        const quantiles = [0, 0.5, 0.9, 0.99, 1];
        const found = quantilesOf(whole, quantiles);
        expect(quantilesOf(merged, quantiles)).toEqual(found);
        const sorted = [...values].sort((a, b) => a - b);
        expect([whole.min.value, whole.max.value]).toEqual([sorted[0], sorted.at(-1)]);
        for (const [index, quantile] of quantiles.entries()) {
          const exact = sorted[Math.floor(quantile * (values.length - 1))] as number;
          expect(Math.abs((found[index] as number) - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.0101);
        }
      }),
    );
  });

  test("an extreme names the host with the smallest name of those that have it", () => {
    const distribution = emptyDistribution();
    for (const host of ["b", "a", "c"]) addNumber(distribution, 7, hostSetOf([host]));
    expect(distribution.min).toEqual({ value: 7, host: "a" });
    expect(distribution.max).toEqual({ value: 7, host: "a" });
  });
});

describe("HostSet", () => {
  test("names the smallest names and tells equal sets from others", () => {
    const names = ["h9", "h3", "h1", "h7", "h5", "h2"];
    const set = hostSetOf(names);
    expect(set.names).toEqual([...names].sort().slice(0, exemplarCount));
    expect(fingerprintOf(set)).toBe(fingerprintOf(hostSetOf([...names].reverse())));
    expect(fingerprintOf(set)).not.toBe(fingerprintOf(hostSetOf(["h9", "h3", "h1", "h7", "h5", "h4"])));
  });
});

describe("greatest", () => {
  test("keeps the greatest with all their hosts, in any order and split", () => {
    const entry = fc.record({ value: fc.integer({ min: 0, max: 400 }), row: fc.constantFrom("x", "y") });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 600 }), fc.nat(600), (entries, split) => {
        const build = (part: typeof entries, from: number) => {
          const greatest = new Map();
          for (const [index, { value, row }] of part.entries()) {
            const key = [{ text: row, untrusted: false }];
            addGreatest(greatest, key, value, hostSetOf([`h${from + index}`]));
          }
          return greatest;
        };
        const merged = build(entries.slice(split), split);
        mergeGreatest(merged, build(entries.slice(0, split), 0));
        const found = greatestOf(merged);
        expect(found).toEqual(greatestOf(build(entries, 0)));
        const exact = [...new Set(entries.map(({ value, row }) => `${value} ${row}`))];
        expect(found).toHaveLength(Math.min(exact.length, greatestCount));
        for (const { value, key, hosts } of found) {
          const having = entries.filter((candidate) => candidate.value === value && candidate.row === key[0]?.text);
          expect(hosts.count).toBe(having.length);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("samples", () => {
  test("the choice does not depend on the order, and each value names its smallest host", () => {
    const values = ["a", "b", "c", "d", "e", "a"];
    const build = (order: readonly string[]) => {
      const samples: SampleEntry[] = [];
      for (const [index, value] of order.entries()) addSample(samples, value, `h${index}`);
      return samples.map((sample) => sample.value);
    };
    expect(build(values)).toHaveLength(sampleCount);
    expect(build([...values].reverse())).toEqual(build(values));
    const samples: SampleEntry[] = [];
    addSample(samples, "x", "h2");
    addSample(samples, "x", "h1");
    expect(samples).toMatchObject([{ value: "x", host: "h1" }]);
  });
});

describe("BoundedTable", () => {
  interface Entry {
    count: number;
    values: Set<number>;
  }

  function makeTable(limit: number) {
    const lost = { count: 0 };
    const table = new BoundedTable<Entry>(limit, {
      weigh: (entry) => entry.values.size,
      merge: (target, added) => {
        target.count += added.count;
        for (const value of added.values) target.values.add(value);
      },
      onEvict: (entry) => {
        lost.count += entry.count;
      },
    });
    const add = (key: string, value: number) =>
      table.update(
        key,
        () => ({ count: 0, values: new Set() }),
        (entry) => {
          entry.count++;
          entry.values.add(value);
        },
      );
    const content = () =>
      table
        .entries()
        .map(([key, { count, values }]) => `${key} ${count} ${[...values].sort()}`)
        .sort();
    return { table, lost, add, content };
  }

  test("content and loss do not depend on order, split or tree; the limit holds; nothing is lost uncounted", () => {
    const item = fc.tuple(fc.stringMatching(/^[a-e](?:\d|\d{4})?$/), fc.nat(5));
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 40, maxLength: 120, size: "max" }),
        fc.nat(120),
        fc.nat(120),
        (items, first, second) => {
          const whole = makeTable(12);
          for (const [key, value] of items) whole.add(key, value);
          const parts = [
            items.slice(0, first),
            items.slice(first).slice(0, second),
            items.slice(first).slice(second),
          ].map((part) => {
            const made = makeTable(12);
            for (const [key, value] of part.reverse()) made.add(key, value);
            return made;
          });
          const [one, two, three] = parts as [
            ReturnType<typeof makeTable>,
            ReturnType<typeof makeTable>,
            ReturnType<typeof makeTable>,
          ];
          three.table.merge(one.table);
          two.table.merge(three.table);
          expect(two.content()).toEqual(whole.content());
          expect(one.lost.count + two.lost.count + three.lost.count).toBe(whole.lost.count);
          const kept = whole.table.entries();
          expect(kept.reduce((sum, [, { values }]) => sum + values.size, 0)).toBeLessThanOrEqual(12);
          expect(kept.reduce((sum, [, { count }]) => sum + count, whole.lost.count)).toBe(items.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("names that look random fall before stable names", () => {
    const { table, add } = makeTable(10);
    for (let index = 0; index < 100; index++) add(`run-r${index}0000.scope`, 0);
    for (let index = 0; index < 10; index++) add(`stable-${String.fromCharCode(97 + index)}.service`, 0);
    expect(table.entries().every(([key]) => key.startsWith("stable"))).toBe(true);
  });
});
