// How a daemon comes back to a relay that went away.
import type { BackoffBounds } from "../shared/backoff.js";

export interface BackoffOptions extends BackoffBounds {
  /** A connection that lasted so long makes the next pause a first one again. */
  readonly stableMs: number;
}

// All daemons of a relay that goes come within the first pause, if another one is there: a second spreads 10,000 of them enough,
// and is short enough to wait. A relay that takes daemons and loses them again does so within seconds; one that held them for
// longer is no reason to stay away from the others, or relays that are restarted one after the other would keep hosts away. While no
// relay is there at all, ten thousand daemons try two thousand times a second, which is little, and are back within ten of it.
export const defaultBackoff: BackoffOptions = { firstMs: 1_000, longestMs: 10_000, stableMs: 5_000 };

/** The items in random order. */
export function shuffle<Item>(items: readonly Item[], random = Math.random): Item[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
