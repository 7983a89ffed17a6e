// Publishing in order: one call is under way at a time, and what comes meanwhile goes together with the next one. While the
// server is away messages wait, up to a bound of number, bytes and time; one that was taken just before may be published twice.
import { setTimeout as sleep } from "node:timers/promises";
import {
  type PublishedMessage,
  PublishedMessageSchema,
  type PublishResult,
} from "../../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { backoffMs } from "../../shared/backoff.js";
import { ErrorReason, failure, failureOf, hasReason } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import { validate } from "../../shared/validation.js";
import { compactedTopics, type MessageBound, type OutgoingMessage, type Topic } from "../bus.js";
import { checkMessageSize } from "../message-size.js";
import { toPublished } from "../wire.js";
import type { BusConnection } from "./bus-connection.js";

export interface PublisherOptions {
  readonly connection: BusConnection;
  /** What may wait for the server. */
  readonly queue: MessageBound | undefined;
  readonly counters: { published: number; refusedBusy: number; refusedTooLarge: number };
  /** Aborted when the bus closes: what waits is rejected with its reason. */
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** How long a message waits for a server that is away. */
  readonly patienceMs?: number;
}

export interface Publisher {
  publish(topic: Topic, message: OutgoingMessage): Promise<MessagePlace>;
  /** Publishes the newest message of each key of compacted topics once more. */
  publishCompactedAgain(): void;
}

interface MessagePlace {
  readonly partition: number;
  readonly offset: bigint;
}

interface WaitingMessage {
  readonly message: PublishedMessage;
  readonly bytes: number;
  /** Not tried again after this; by performance.now(). */
  readonly deadline: number;
  readonly resolve: (place: MessagePlace) => void;
  readonly reject: (error: unknown) => void;
}

const defaultQueue: MessageBound = { messages: 100_000, bytes: 64 * 1024 * 1024 };
const batchBound: MessageBound = { messages: 500, bytes: 1024 * 1024 };
const defaultPatienceMs = 10_000;
const backoff = { firstMs: 100, longestMs: 2_000 };

export function createPublisher(options: PublisherOptions): Publisher {
  const { connection, queue = defaultQueue, counters, closing, log, patienceMs = defaultPatienceMs } = options;
  let waiting: WaitingMessage[] = [];
  let waitingBytes = 0;
  let flushing = false;
  const newest = new Map<string, { readonly topic: Topic; readonly message: OutgoingMessage }>();

  function enqueue(message: PublishedMessage): Promise<MessagePlace> {
    const bytes = bytesOf(message);
    if (waiting.length >= queue.messages || (waiting.length > 0 && waitingBytes + bytes > queue.bytes)) {
      throw busy(queue);
    }
    waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      waiting.push({ message, bytes, deadline: performance.now() + patienceMs, resolve, reject });
      if (!flushing) void flush();
    });
  }

  // Takes so many from the front.
  function take(count: number): WaitingMessage[] {
    const taken = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { bytes } of taken) waitingBytes -= bytes;
    return taken;
  }

  async function flush() {
    flushing = true;
    // What is published in the same turn goes together.
    await undefined;
    for (let failures = 0; waiting.length > 0; ) {
      const count = batchLength(waiting);
      try {
        const messages = waiting.slice(0, count).map(({ message }) => message);
        const results = await connection.publish(messages, closing);
        settle(take(count), results);
        failures = 0;
      } catch (error) {
        failures++;
        await giveUpOrPause(error, count, failures);
      }
    }
    flushing = false;
  }

  async function giveUpOrPause(error: unknown, count: number, failures: number) {
    if (closing.aborted) return rejectAll(take(waiting.length), closing.reason);
    if (!hasReason(error, ErrorReason.UNREACHABLE)) return rejectAll(take(count), error);
    log.warn({ err: error, waiting: waiting.length }, "the bus does not take messages");
    const now = performance.now();
    const overdue = waiting.findIndex(({ deadline }) => deadline > now);
    rejectAll(take(overdue === -1 ? waiting.length : overdue), error);
    // Closing ends the pause early; the next call then fails with its reason.
    await sleep(backoffMs(failures, backoff), undefined, { signal: closing }).catch(() => undefined);
  }

  async function publish(topic: Topic, message: OutgoingMessage): Promise<MessagePlace> {
    checkMessageSize(topic, message, counters);
    const published = toPublished(topic, message);
    validate(PublishedMessageSchema, published);
    if (compactedTopics.has(topic)) newest.set(`${topic} ${message.key}`, { topic, message });
    try {
      const place = await enqueue(published);
      counters.published++;
      return place;
    } catch (error) {
      if (hasReason(error, ErrorReason.BUSY)) counters.refusedBusy++;
      throw error;
    }
  }

  return {
    publish,
    publishCompactedAgain() {
      log.info({ messages: newest.size }, "the bus began anew: publishing the newest message of each key again");
      for (const { topic, message } of newest.values()) {
        publish(topic, message).catch((error) => log.warn({ err: error, topic }, "not published again"));
      }
    },
  };
}

function settle(batch: readonly WaitingMessage[], results: readonly PublishResult[]): void {
  for (const [index, { resolve, reject }] of batch.entries()) {
    const result = results[index]?.result;
    if (result?.case === "place") resolve({ partition: result.value.partition, offset: result.value.offset });
    else if (result?.case === "refusal" && result.value.error) {
      reject(failureOf(result.value.message, result.value.error));
    } else reject(failure(ErrorReason.INTERNAL, "the bus did not say what became of a message"));
  }
}

function rejectAll(batch: readonly WaitingMessage[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}

function batchLength(waiting: readonly WaitingMessage[]): number {
  let bytes = 0;
  const end = waiting.findIndex((each, index) => {
    bytes += each.bytes;
    return index === batchBound.messages || (index > 0 && bytes > batchBound.bytes);
  });
  return end === -1 ? waiting.length : end;
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
