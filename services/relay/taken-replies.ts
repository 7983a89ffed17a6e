// Which replies of one stream the bus has: counted from the first without a gap, as the daemon counts.

export interface TakenReplies {
  /** Gives the number of a reply that came. */
  receive(): number;
  taken(number: number): void;
  /** Replies taken, up to the first that is not. */
  count(): number;
  /** Replies that are not taken. */
  pending(): number;
}

export function createTakenReplies(): TakenReplies {
  let received = 0;
  let count = 0;
  // Taken behind a gap: replies to another partition may be faster.
  const ahead = new Set<number>();
  return {
    receive: () => ++received,
    taken(number) {
      ahead.add(number);
      while (ahead.delete(count + 1)) count++;
    },
    count: () => count,
    pending: () => received - count - ahead.size,
  };
}
