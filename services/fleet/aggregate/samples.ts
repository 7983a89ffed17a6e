// A few values verbatim: those with the smallest hashes, so that the choice does not depend on the order of merging.
import { compareText, hashText } from "./hash.js";

/** Values kept for each row. */
export const sampleCount = 3;

/** A value and a host that has it: the smallest name of those that do. */
export interface SampleEntry {
  readonly value: string;
  readonly hash: number;
  host: string;
}

/** Adds a value to the kept ones. */
export function addSample(samples: SampleEntry[], value: string, host: string): void {
  const known = samples.find((sample) => sample.value === value);
  if (known) {
    if (host < known.host) known.host = host;
    return;
  }
  samples.push({ value, hash: hashText(value), host });
  samples.sort((a, b) => a.hash - b.hash || compareText(a.value, b.value));
  if (samples.length > sampleCount) samples.pop();
}
