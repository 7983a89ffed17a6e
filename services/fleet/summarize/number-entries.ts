// Totals, distributions and greatest values of an aggregate, as fields of a summary and as lines.
import { create } from "@bufbuild/protobuf";
import {
  type Distribution,
  DistributionSchema,
  type TopEntry,
  TopEntrySchema,
  type Total,
  TotalSchema,
} from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { Reduction } from "../../gen/systemsmanager/options/v1/options_pb.js";
import type { Aggregate, LeafState } from "../aggregate/aggregate.js";
import { type NumberDistribution, quantilesOf } from "../aggregate/distribution.js";
import { sumOf } from "../aggregate/exact-sum.js";
import { type GreatestEntry, greatestOf } from "../aggregate/greatest.js";
import { compareText } from "../aggregate/hash.js";
import type { NumberState } from "../aggregate/number-state.js";
import type { Leaf } from "../aggregate/plan.js";
import { type KeyPart, rowId } from "../aggregate/read-answer.js";
import { type Line, lineOf } from "./line.js";
import { keyText, plural, showCount, showHosts, showKey, showNumber } from "./show-value.js";

const rowsPerLine = 5;
const topPerLine = 5;
const totalsPerLine = 6;

interface Keyed {
  readonly leaf: Leaf;
  readonly key: readonly KeyPart[];
  readonly numbers: NumberState;
}

/** Fields of a summary with the lines that tell them. */
export interface Told<Entry> {
  readonly entries: Entry[];
  readonly lines: Line[];
}

/** Totals: of all rows first, then of each row, greatest first. */
export function totalsOf(aggregate: Aggregate): Told<Total> {
  const leaves = withNumbers(aggregate, Reduction.SUM);
  const byRow = leaves.map((state) =>
    keyedNumbers(aggregate, state.leaf).sort(
      (a, b) => sumOf(b.numbers.sum) - sumOf(a.numbers.sum) || compareText(rowId(a.key), rowId(b.key)),
    ),
  );
  const overall = leaves.map((state) => totalOf({ ...state, key: [] }));
  // A zero is the same for every row.
  const isPlain = (state: LeafState, index: number) => byRow[index]?.length === 0 || sumOf(state.numbers.sum) === 0;
  const plain = leaves.filter(isPlain).map(showTotal);
  const packed = Array.from({ length: Math.ceil(plain.length / totalsPerLine) }, (_, index) =>
    plain.slice(index * totalsPerLine, (index + 1) * totalsPerLine),
  );
  return {
    entries: [...overall, ...byRow.flat().map(totalOf)],
    lines: [
      ...packed.map((part) => lineOf(`totals: ${part.join(", ")}`, part.length)),
      ...leaves.flatMap((state, index) => (isPlain(state, index) ? [] : keyedTotalLine(state, byRow[index] ?? []))),
    ],
  };
}

/** Distributions: over all rows first, then of each row. */
export function distributionsOf(aggregate: Aggregate): Told<Distribution> {
  const leaves = withNumbers(aggregate, Reduction.QUANTILES).filter(({ numbers }) => numbers.distribution.count > 0);
  const overall = leaves.map((state): Keyed => ({ leaf: state.leaf, key: [], numbers: state.numbers }));
  const byRow = leaves.flatMap((state) =>
    keyedNumbers(aggregate, state.leaf).sort(
      (a, b) =>
        b.numbers.distribution.max.value - a.numbers.distribution.max.value || compareText(rowId(a.key), rowId(b.key)),
    ),
  );
  const all = [...overall, ...byRow];
  return { entries: all.map(distributionOf), lines: all.map(distributionLine) };
}

/** Greatest values, greatest first; a zero is not great. */
export function topOf(aggregate: Aggregate): Told<TopEntry> {
  const told = aggregate.leaves
    .filter(({ leaf }) => leaf.reductions.has(Reduction.TOP))
    .map(({ leaf, greatest }) => ({ leaf, greatest: greatestOf(greatest).filter(({ value }) => value !== 0) }))
    .filter(({ greatest }) => greatest.length > 0);
  return {
    entries: told.flatMap(({ leaf, greatest }) => greatest.map((entry) => topEntryOf(leaf, entry))),
    lines: told.map(({ leaf, greatest }) => topLine(leaf, greatest)),
  };
}

function withNumbers(aggregate: Aggregate, reduction: Reduction): LeafState[] {
  return aggregate.leaves.filter(({ leaf, numbers }) => leaf.reductions.has(reduction) && numbers.hosts.count > 0);
}

function keyedNumbers(aggregate: Aggregate, leaf: Leaf): Keyed[] {
  if (!leaf.scope.keyed) return [];
  const rows = aggregate.scopes[leaf.scope.index]?.rows.entries() ?? [];
  return rows.flatMap(([, row]) => {
    const numbers = row.numbers.get(leaf);
    return numbers && numbers.hosts.count > 0 ? [{ leaf, key: row.key, numbers }] : [];
  });
}

function totalOf({ leaf, key, numbers }: Keyed): Total {
  return create(TotalSchema, {
    path: leaf.path,
    key: keyText(key),
    sum: sumOf(numbers.sum),
    hostCount: numbers.hosts.count,
    unit: leaf.unit,
  });
}

function showTotal({ leaf, numbers }: LeafState): string {
  return `${leaf.path} ${showNumber(sumOf(numbers.sum), leaf)}`;
}

function keyedTotalLine(state: LeafState, rows: readonly Keyed[]): Line[] {
  const great = rows.filter(({ numbers }) => sumOf(numbers.sum) !== 0);
  if (rows.length === 0) return [];
  const shown = great
    .slice(0, rowsPerLine)
    .map(
      ({ leaf, key, numbers }) =>
        `${showKey(key)} ${showNumber(sumOf(numbers.sum), leaf)} on ${plural(numbers.hosts.count, "host")}`,
    );
  const more = great.length - shown.length;
  const rest = more > 0 ? ` and ${plural(more, "more row")}` : "";
  return [lineOf(`totals: ${showTotal(state)}${shown.length > 0 ? `, of it ${shown.join(", ")}${rest}` : ""}`)];
}

function distributionOf({ leaf, key, numbers: { distribution } }: Keyed): Distribution {
  const [p50 = 0, p90 = 0, p99 = 0] = quantilesOf(distribution, [0.5, 0.9, 0.99]);
  return create(DistributionSchema, {
    path: leaf.path,
    key: keyText(key),
    count: BigInt(distribution.count),
    min: distribution.min.value,
    p50,
    p90,
    p99,
    max: distribution.max.value,
    minHost: distribution.min.host,
    maxHost: distribution.max.host,
    unit: leaf.unit,
  });
}

function distributionLine({ leaf, key, numbers: { distribution } }: Keyed): Line {
  const subject = key.length > 0 ? `${leaf.path} of ${showKey(key)}` : leaf.path;
  return lineOf(`${subject}: ${showDistribution(leaf, distribution)}`);
}

function showDistribution(leaf: Leaf, distribution: NumberDistribution): string {
  const { min, max, count } = distribution;
  if (count === 1) return `${showNumber(min.value, leaf)} on ${min.host}`;
  if (min.value === max.value) return `${showNumber(min.value, leaf)} in all ${showCount(count)} values`;
  const ends = [`min ${showNumber(min.value, leaf)} (${min.host})`, `max ${showNumber(max.value, leaf)} (${max.host})`];
  if (count < 3) return ends.join(", ");
  const [p50, p90, p99] = quantilesOf(distribution, [0.5, 0.9, 0.99]).map((value) => showNumber(value, leaf));
  const middle = count < 10 ? [`median ${p50}`] : [`median ${p50}`, `p90 ${p90}`, `p99 ${p99}`];
  return [ends[0], ...middle, ends[1]].join(", ");
}

function topEntryOf(leaf: Leaf, { key, value, hosts }: GreatestEntry): TopEntry {
  return create(TopEntrySchema, {
    path: leaf.path,
    key: keyText(key),
    value,
    hostCount: hosts.count,
    hosts: [...hosts.names],
    unit: leaf.unit,
  });
}

function topLine(leaf: Leaf, greatest: readonly GreatestEntry[]): Line {
  const shown = greatest.slice(0, topPerLine).map(({ key, value, hosts }) => {
    const subject = key.length > 0 ? `${showKey(key)} ` : "";
    return `${subject}${showNumber(value, leaf)} on ${showHosts(hosts, 2)}`;
  });
  return lineOf(`greatest ${leaf.path}: ${shown.join(", ")}`, greatest.length);
}
