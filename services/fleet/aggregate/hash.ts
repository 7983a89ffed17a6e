// A 53-bit string hash and the one order of text: the same on every machine, for choosing samples, ordering evictions and fingerprints, so
// that a result never depends on the order of merging. Not cryptographic.

/** Two FNV-like 32-bit lanes with different primes, mixed at the end; a whole number from 0 to 2^53 - 1. */
export function hashText(text: string): number {
  let first = 0x811c9dc5;
  let second = 0x2545f491;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    first = Math.imul(first ^ unit, 0x01000193);
    second = Math.imul(second ^ unit, 0x9e3779b1);
  }
  return (mix(first ^ (second >>> 15)) & 0x1f_ffff) * 0x1_0000_0000 + (mix(second ^ text.length) >>> 0);
}

/** Plain code-unit order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mix(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
}
