// A relay counts the replies that it has taken in the order in which they came. The daemon counts them in the order in which it
// sent them. In between faults change order and number, so somebody has to translate.

export interface TakenReplies {
  /** The number of the next reply, in the daemon's order. */
  begin(): number;
  /** That reply went to the relay, perhaps not for the first time. */
  sent(number: number): void;
  /** The relay has taken so many. */
  confirm(taken: number): void;
}

/** onTaken is told how many replies, from the daemon's first on, the relay has all taken. */
export function createTakenReplies(onTaken: (replies: number) => void): TakenReplies {
  let begun = 0;
  let wire = 0;
  let confirmed = 0;
  // Where each reply beyond the confirmed ones came to the relay for the first time.
  const positions = new Map<number, number>();
  return {
    begin: () => ++begun,
    sent(number) {
      wire++;
      if (number > confirmed && !positions.has(number)) positions.set(number, wire);
    },
    confirm(taken) {
      const isTaken = (number: number) => (positions.get(number) ?? Number.POSITIVE_INFINITY) <= taken;
      while (isTaken(confirmed + 1)) positions.delete(++confirmed);
      onTaken(confirmed);
    },
  };
}
