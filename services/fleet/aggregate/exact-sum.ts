// Sums that do not depend on the order of adding: whole numbers as bigint, others in fixed point over the whole range of a double.

// Every finite double is a whole multiple of 2^-1074.
const fractionBits = 1074n;
const view = new DataView(new ArrayBuffer(8));

/** An exact total. */
export interface ExactSum {
  whole: bigint;
  /** In units of 2^-1074; of the values that are not whole numbers. */
  fraction: bigint;
}

/** A total of nothing. */
export function emptySum(): ExactSum {
  return { whole: 0n, fraction: 0n };
}

/** Adds a finite value so many times. */
export function addValue(sum: ExactSum, value: number | bigint, times: number): void {
  if (typeof value === "bigint") sum.whole += value * BigInt(times);
  else if (Number.isInteger(value)) sum.whole += BigInt(value) * BigInt(times);
  else sum.fraction += scaled(value) * BigInt(times);
}

/** Adds another total. */
export function addSum(sum: ExactSum, other: ExactSum): void {
  sum.whole += other.whole;
  sum.fraction += other.fraction;
}

/** The total as the double just below or at it in magnitude; exact for whole numbers up to 2^53. */
export function sumOf(sum: ExactSum): number {
  if (sum.fraction === 0n) return Number(sum.whole);
  const total = (sum.whole << fractionBits) + sum.fraction;
  const magnitude = total < 0n ? -total : total;
  const dropped = Math.max(magnitude.toString(2).length - 53, 0);
  const value = Number(magnitude >> BigInt(dropped)) * 2 ** (dropped - 537) * 2 ** -537;
  return total < 0n ? -value : value;
}

function scaled(value: number): bigint {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const mantissa = bits & 0xf_ffff_ffff_ffffn;
  // Subnormal numbers lack the implied one and count in units of 2^-1074 as they are.
  const magnitude = exponent === 0n ? mantissa : (mantissa | 0x10_0000_0000_0000n) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}
