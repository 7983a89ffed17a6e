// One partition's way to the handler while this subscriber owns it: a bounded queue between fetching and handling.
import type { IncomingMessage, MessageBound } from "../bus.js";
import {
  countExpired,
  type DeliveryCounters,
  type DeliveryOwner,
  handleUntilDone,
  hasExpired,
} from "../handle-until-done.js";

/** A message as it was fetched. */
export type FetchedMessage = Omit<IncomingMessage, "attempt">;

export interface PartitionLane {
  /** Adds what was fetched; `end` is the offset behind it. What it has seen before it leaves out. */
  add(messages: readonly FetchedMessage[], end: number): void;
  /** Offset of the oldest message that is not done; what a group commits. */
  position(): number;
  /** Offset behind the newest message that was added; where fetching goes on. */
  next(): number;
  /** How full its queue is: 1 at its bound. */
  fill(): number;
  /** Resolves when no handler of it runs any more. */
  idle(): Promise<void>;
}

export interface PartitionLaneOptions {
  readonly start: number;
  readonly owner: DeliveryOwner;
  readonly counters: DeliveryCounters;
  /** Called when something was added, or a message was done. */
  readonly onProgress: () => void;
}

const bound: MessageBound = { messages: 5_000, bytes: 8 * 1024 * 1024 };

/** A lane that begins at this offset and ends with its owner's signal. */
export function createPartitionLane({ start, owner, counters, onProgress }: PartitionLaneOptions): PartitionLane {
  let queue: FetchedMessage[] = [];
  let head = 0;
  let queuedBytes = 0;
  let next = start;
  // Handed to the handler and not done, in order of offset.
  const unfinished = new Set<number>();
  const running = new Set<Promise<void>>();
  let inHandler = 0;

  function take(): FetchedMessage | undefined {
    while (head < queue.length && !owner.signal.aborted) {
      const message = queue[head++] as FetchedMessage;
      queuedBytes -= message.value.length;
      if (!hasExpired(message)) return message;
      countExpired(owner, counters);
    }
    return undefined;
  }

  function deliver() {
    while (inHandler < owner.maxInFlight) {
      const message = take();
      if (!message) break;
      inHandler++;
      unfinished.add(Number(message.offset));
      const handled = handle(message).finally(() => running.delete(handled));
      running.add(handled);
    }
    if (head > 1_000 && head * 2 > queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
  }

  async function handle(message: FetchedMessage): Promise<void> {
    if (await handleUntilDone(message, owner, counters)) unfinished.delete(Number(message.offset));
    inHandler--;
    deliver();
    onProgress();
  }

  return {
    add(messages, end) {
      for (const message of messages) {
        if (message.offset < next) continue;
        queue.push(message);
        queuedBytes += message.value.length;
      }
      next = Math.max(next, end);
      deliver();
      onProgress();
    },
    position() {
      const [oldest = Number(queue[head]?.offset ?? next)] = unfinished;
      return oldest;
    },
    next: () => next,
    fill: () => Math.max((queue.length - head) / bound.messages, queuedBytes / bound.bytes),
    async idle() {
      await Promise.all(running);
    },
  };
}
