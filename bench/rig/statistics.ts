// Percentiles of few values, by nearest rank (the 99th of fewer than 100 is the worst), and comparisons by pairs.
import { median } from "../bench-line.js";

/** The smallest value that `percent` of all are not above. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new RangeError("a percentile of no values");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] as number;
}

/** Times of the same work alone, and beside what is measured. */
type Pair = readonly [alone: number, beside: number];

/** Pairs whose turns follow upon each other; every other one begins with the second. */
export async function takePairs(
  count: number,
  alone: (index: number) => Promise<number>,
  beside: (index: number) => Promise<number>,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let index = 0; index < count; index++) {
    if (index % 2 === 0) {
      const first = await alone(index);
      pairs.push([first, await beside(index)]);
    } else {
      const second = await beside(index);
      pairs.push([await alone(index), second]);
    }
  }
  return pairs;
}

/** How many times the first of a pair its second is. What slows the machine for seconds slows both. */
export function medianRatio(pairs: readonly Pair[]): number {
  return median(pairs.map(([alone, beside]) => beside / alone));
}
