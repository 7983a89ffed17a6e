// Which hosts are in which wave. The same targets and policy give the same waves: targets are sorted by host id, which is random, so
// that order is one of chance and yet always the same.
import type { TargetHost } from "../run/run-record.js";
import { toSpans } from "../run/spans.js";

/** Spans of target indexes for each wave; every target is in exactly one. `labelOf` gives the value that is spread, when one is. */
export function splitWaves(
  targets: readonly TargetHost[],
  waveSizes: readonly number[],
  labelOf?: (target: TargetHost) => string,
): number[][] {
  const order = labelOf ? spread(targets.map(labelOf)) : [...targets.keys()];
  let start = 0;
  return waveSizes.map((size) => {
    const wave = order.slice(start, start + size);
    start += size;
    return toSpans(wave.sort((a, b) => a - b));
  });
}

// Each host's place within those of its value, as a fraction, is its place in the order: every stretch of the order thus has the values
// in their proportions, and the largest one comes first.
function spread(values: readonly string[]): number[] {
  const byValue = new Map<string, number[]>();
  for (const [index, value] of values.entries()) {
    const members = byValue.get(value);
    if (members) members.push(index);
    else byValue.set(value, [index]);
  }
  const places = new Float64Array(values.length);
  for (const members of byValue.values()) {
    for (const [rank, index] of members.entries()) places[index] = (rank + 0.5) / members.length;
  }
  return [...values.keys()].sort((a, b) => (places[a] as number) - (places[b] as number) || a - b);
}
