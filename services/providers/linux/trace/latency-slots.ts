// Times between powers of two of nanoseconds, as they are read: a microsecond has 1,024 nanoseconds here.
const units = ["ns", "us", "ms", "s"];
const powersOfUnit = 10;

/** Slots that have something. */
export function describeSlots(slots: readonly number[]): { range: string; power: number; count: bigint }[] {
  return slots.flatMap((count, power) => (count > 0 ? [{ range: rangeOf(power), power, count: BigInt(count) }] : []));
}

/** "64-128us". */
export function rangeOf(power: number): string {
  const unit = Math.min(Math.floor(power / powersOfUnit), units.length - 1);
  const least = 2 ** (power - unit * powersOfUnit);
  return `${least}-${2 * least}${units[unit]}`;
}
