// Full-jitter exponential back-off: a fleet whose relay went away comes back spread out, not all at once.

export interface BackoffOptions {
  /** Upper bound of the first pause. */
  readonly firstMs: number;
  /** Upper bound of every pause. */
  readonly longestMs: number;
  /** A connection that lasted so long makes the next pause a first one again. */
  readonly stableMs: number;
}

export const defaultBackoff: BackoffOptions = { firstMs: 500, longestMs: 30_000, stableMs: 30_000 };

/** A pause before attempt 1, 2, 3 …: evenly random between nothing and a bound that doubles. */
export function backoffMs(attempt: number, { firstMs, longestMs }: BackoffOptions, random = Math.random): number {
  return random() * Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 30));
}

/** The items in random order. */
export function shuffle<Item>(items: readonly Item[], random = Math.random): Item[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
