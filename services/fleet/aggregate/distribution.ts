// Quantiles within 1 % of the value, in the way of DDSketch (Masson, Rim, Lee 2019): logarithmic bins that are counted. Own bins, because
// the merge must be exact for negative numbers too, and the extremes come with their hosts. A double's whole range is under 72,000 bins, so
// memory is bounded without collapsing any.
import type { HostSet } from "./host-set.js";

const accuracy = 0.01;
const logBase = Math.log((1 + accuracy) / (1 - accuracy));
// The middle of a bin, as a factor of its upper end.
const middle = 2 / (1 + (1 + accuracy) / (1 - accuracy));

/** A value and a host that has it: the smallest name of those that do. */
export interface Extreme {
  value: number;
  host: string;
}

/** A distribution of numbers. */
export interface NumberDistribution {
  count: number;
  zeros: number;
  positive: Map<number, number>;
  negative: Map<number, number>;
  min: Extreme;
  max: Extreme;
}

/** A distribution of nothing. */
export function emptyDistribution(): NumberDistribution {
  return {
    count: 0,
    zeros: 0,
    positive: new Map(),
    negative: new Map(),
    min: { value: Number.POSITIVE_INFINITY, host: "" },
    max: { value: Number.NEGATIVE_INFINITY, host: "" },
  };
}

/** Counts a finite value once for each of the hosts. */
export function addNumber(distribution: NumberDistribution, value: number, hosts: HostSet): void {
  distribution.count += hosts.count;
  if (value > 0) increase(distribution.positive, binOf(value), hosts.count);
  else if (value < 0) increase(distribution.negative, binOf(-value), hosts.count);
  else distribution.zeros += hosts.count;
  const extreme = { value, host: hosts.names[0] ?? "" };
  distribution.min = lesser(distribution.min, extreme);
  distribution.max = greater(distribution.max, extreme);
}

/** Adds another distribution. */
export function addDistribution(target: NumberDistribution, added: NumberDistribution): void {
  target.count += added.count;
  target.zeros += added.zeros;
  for (const [bin, count] of added.positive) increase(target.positive, bin, count);
  for (const [bin, count] of added.negative) increase(target.negative, bin, count);
  target.min = lesser(target.min, added.min);
  target.max = greater(target.max, added.max);
}

/** The values at these quantiles (0 to 1), within 1 %, never beyond the exact extremes. */
export function quantilesOf(distribution: NumberDistribution, quantiles: readonly number[]): number[] {
  const bins = [
    ...[...distribution.negative].map(([bin, count]) => ({ value: -binValue(bin), count })),
    { value: 0, count: distribution.zeros },
    ...[...distribution.positive].map(([bin, count]) => ({ value: binValue(bin), count })),
  ].sort((a, b) => a.value - b.value);
  return quantiles.map((quantile) => {
    let rank = quantile * (distribution.count - 1);
    const found = bins.find(({ count }) => {
      rank -= count;
      return rank < 0;
    });
    return Math.min(Math.max(found?.value ?? 0, distribution.min.value), distribution.max.value);
  });
}

function binOf(value: number): number {
  return Math.ceil(Math.log(value) / logBase);
}

function binValue(bin: number): number {
  return Math.exp(bin * logBase) * middle;
}

function increase(bins: Map<number, number>, bin: number, count: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + count);
}

function lesser(a: Extreme, b: Extreme): Extreme {
  return b.value < a.value || (b.value === a.value && b.host < a.host) ? b : a;
}

function greater(a: Extreme, b: Extreme): Extreme {
  return b.value > a.value || (b.value === a.value && b.host < a.host) ? b : a;
}
