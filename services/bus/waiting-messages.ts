// Messages on their way to the other side, in order, within a bound. They stay here until they were taken.
import { ErrorReason, failure } from "../shared/errors.js";
import type { MessageBound } from "./bus.js";

/** Where a message lies once it was taken. */
export interface MessagePlace {
  readonly partition: number;
  readonly offset: bigint;
}

/** What counts of a message. */
export interface SizedMessage {
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WaitingMessage<Message extends SizedMessage> {
  readonly message: Message;
  /** Not tried again after this; by performance.now(). */
  readonly deadline: number;
  readonly resolve: (place: MessagePlace) => void;
  readonly reject: (error: unknown) => void;
}

export interface WaitingMessages<Message extends SizedMessage> {
  size(): MessageBound;
  /** Throws BUSY beyond the bound. */
  add(waiting: WaitingMessage<Message>): void;
  /** As many of the first as one call carries, one at least; they stay. */
  nextBatch(): readonly WaitingMessage<Message>[];
  /** Takes so many of the first out. */
  remove(count: number): readonly WaitingMessage<Message>[];
  /** Takes out those whose deadline has passed; deadlines grow with the order. */
  removeOverdue(): readonly WaitingMessage<Message>[];
}

const batchBound: MessageBound = { messages: 500, bytes: 1024 * 1024 };

/** None yet. The queue's name goes into BUSY. */
export function createWaitingMessages<Message extends SizedMessage>(
  queue: string,
  bound: MessageBound,
): WaitingMessages<Message> {
  let waiting: WaitingMessage<Message>[] = [];
  let waitingBytes = 0;

  // Those before the first for which it is true; all when it is true for none.
  function before(isEnd: (each: WaitingMessage<Message>, index: number) => boolean): number {
    const end = waiting.findIndex(isEnd);
    return end === -1 ? waiting.length : end;
  }

  function remove(count: number): readonly WaitingMessage<Message>[] {
    const removed = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { message } of removed) waitingBytes -= bytesOf(message);
    return removed;
  }

  return {
    size: () => ({ messages: waiting.length, bytes: waitingBytes }),
    add(added) {
      const bytes = bytesOf(added.message);
      if (waiting.length >= bound.messages || (waiting.length > 0 && waitingBytes + bytes > bound.bytes)) {
        throw busy(queue, bound);
      }
      waitingBytes += bytes;
      waiting.push(added);
    },
    nextBatch() {
      let bytes = 0;
      const count = before(({ message }, index) => {
        bytes += bytesOf(message);
        return index === batchBound.messages || (index > 0 && bytes > batchBound.bytes);
      });
      return waiting.slice(0, count);
    },
    remove,
    removeOverdue() {
      const now = performance.now();
      return remove(before(({ deadline }) => deadline > now));
    },
  };
}

function bytesOf({ key, value, headers = {} }: SizedMessage): number {
  let bytes = value.length + Buffer.byteLength(key);
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string);
  return bytes;
}

function busy(queue: string, bound: MessageBound) {
  return failure(ErrorReason.BUSY, `the queue to ${queue} is full`, {
    metadata: { queue, capacity: `${bound.messages} messages, ${bound.bytes} bytes` },
    remedy: "try again when what waits has been taken",
  });
}
