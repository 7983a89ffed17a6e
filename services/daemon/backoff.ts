// How a daemon comes back to a relay that went away.
import type { BackoffBounds } from "../shared/backoff.js";

export interface BackoffOptions extends BackoffBounds {
  /** A connection that lasted so long makes the next pause a first one again. */
  readonly stableMs: number;
}

export const defaultBackoff: BackoffOptions = { firstMs: 500, longestMs: 30_000, stableMs: 30_000 };

/** The items in random order. */
export function shuffle<Item>(items: readonly Item[], random = Math.random): Item[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
