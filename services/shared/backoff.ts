// Full-jitter exponential back-off: clients whose server went away come back spread out, not all at once.

export interface BackoffBounds {
  /** Upper bound of the first pause. */
  readonly firstMs: number;
  /** Upper bound of every pause. */
  readonly longestMs: number;
}

/** A pause before attempt 1, 2, 3 …: evenly random between nothing and a bound that doubles. */
export function backoffMs(attempt: number, { firstMs, longestMs }: BackoffBounds, random = Math.random): number {
  return random() * Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 30));
}
