// Messages on their way to the server, in order, within a bound. They stay here until their call has succeeded.
import type { PublishedMessage } from "../../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { MessageBound } from "../bus.js";

/** Where a message lies once it was taken. */
export interface MessagePlace {
  readonly partition: number;
  readonly offset: bigint;
}

export interface WaitingMessage {
  readonly message: PublishedMessage;
  /** Not tried again after this; by performance.now(). */
  readonly deadline: number;
  readonly resolve: (place: MessagePlace) => void;
  readonly reject: (error: unknown) => void;
}

export interface WaitingMessages {
  length(): number;
  bytes(): number;
  /** Throws BUSY beyond the bound. */
  add(waiting: WaitingMessage): void;
  /** As many of the first as one call carries, one at least; they stay. */
  nextBatch(): readonly WaitingMessage[];
  /** Takes so many of the first out. */
  remove(count: number): readonly WaitingMessage[];
  /** Takes out those whose deadline has passed; deadlines grow with the order. */
  removeOverdue(): readonly WaitingMessage[];
}

const batchBound: MessageBound = { messages: 500, bytes: 1024 * 1024 };

/** None yet. */
export function createWaitingMessages(bound: MessageBound): WaitingMessages {
  let waiting: WaitingMessage[] = [];
  let waitingBytes = 0;

  // Those before the first for which it is true; all when it is true for none.
  function before(isEnd: (each: WaitingMessage, index: number) => boolean): number {
    const end = waiting.findIndex(isEnd);
    return end === -1 ? waiting.length : end;
  }

  function remove(count: number): readonly WaitingMessage[] {
    const removed = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { message } of removed) waitingBytes -= bytesOf(message);
    return removed;
  }

  return {
    length: () => waiting.length,
    bytes: () => waitingBytes,
    add(added) {
      const bytes = bytesOf(added.message);
      if (waiting.length >= bound.messages || (waiting.length > 0 && waitingBytes + bytes > bound.bytes)) {
        throw busy(bound);
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

function bytesOf({ key, value, headers }: PublishedMessage): number {
  const texts = Object.entries(headers).flat();
  return value.length + texts.reduce((sum, text) => sum + Buffer.byteLength(text), Buffer.byteLength(key));
}

function busy(bound: MessageBound) {
  return failure(ErrorReason.BUSY, "the queue to the bus is full", {
    metadata: { queue: "remote bus", capacity: `${bound.messages} messages, ${bound.bytes} bytes` },
    remedy: "try again when the control plane has caught up",
  });
}
