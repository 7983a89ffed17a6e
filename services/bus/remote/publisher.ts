// Publishing in order: one call is under way at a time, and what comes meanwhile goes together with the next one. While the
// server is away messages wait, up to a bound of number, bytes and time; one that was taken just before may be published twice.
import {
  type PublishedMessage,
  PublishedMessageSchema,
  type PublishResult,
} from "../../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { backoffMs } from "../../shared/backoff.js";
import { ErrorReason, failure, failureOf, hasReason } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import { pause } from "../../shared/pause.js";
import { validate } from "../../shared/validation.js";
import { compactedTopics, type MessageBound, type OutgoingMessage, type Topic } from "../bus.js";
import { checkMessageSize } from "../message-size.js";
import { toPublished } from "../wire.js";
import type { BusConnection } from "./bus-connection.js";
import { createWaitingMessages, type MessagePlace, type WaitingMessage } from "./waiting-messages.js";

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
  /** What is not durable yet. */
  waiting(): MessageBound;
}

const defaultQueue: MessageBound = { messages: 100_000, bytes: 64 * 1024 * 1024 };
const defaultPatienceMs = 10_000;
const backoff = { firstMs: 100, longestMs: 2_000 };

export function createPublisher(options: PublisherOptions): Publisher {
  const { connection, queue = defaultQueue, counters, closing, log, patienceMs = defaultPatienceMs } = options;
  const waiting = createWaitingMessages(queue);
  let flushing = false;
  const newest = new Map<string, { readonly topic: Topic; readonly message: OutgoingMessage }>();

  function enqueue(message: PublishedMessage): Promise<MessagePlace> {
    return new Promise((resolve, reject) => {
      waiting.add({ message, deadline: performance.now() + patienceMs, resolve, reject });
      if (!flushing) void flush();
    });
  }

  async function flush() {
    flushing = true;
    // What is published in the same turn goes together.
    await undefined;
    for (let failures = 0; waiting.length() > 0; ) {
      const batch = waiting.nextBatch();
      try {
        const messages = batch.map(({ message }) => message);
        settle(batch, await connection.publish(messages, closing));
        waiting.remove(batch.length);
        failures = 0;
      } catch (error) {
        failures++;
        await giveUpOrPause(error, batch, failures);
      }
    }
    flushing = false;
  }

  async function giveUpOrPause(error: unknown, batch: readonly WaitingMessage[], failures: number) {
    if (closing.aborted) return rejectAll(waiting.remove(waiting.length()), closing.reason);
    if (!hasReason(error, ErrorReason.UNREACHABLE)) return rejectAll(waiting.remove(batch.length), error);
    log.warn({ err: error, waiting: waiting.length() }, "the bus does not take messages");
    rejectAll(waiting.removeOverdue(), error);
    // Closing ends the pause early; the next call then fails with its reason.
    await pause(backoffMs(failures, backoff), closing);
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
    waiting: () => ({ messages: waiting.length(), bytes: waiting.bytes() }),
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
