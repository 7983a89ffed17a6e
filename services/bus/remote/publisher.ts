// Publishing over BusService, all topics in one order.
import {
  type PublishedMessage,
  PublishedMessageSchema,
  type PublishResult,
} from "../../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { ErrorReason, failure, failureOf, hasReason } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import { validate } from "../../shared/validation.js";
import { compactedTopics, type MessageBound, type OutgoingMessage, type Topic } from "../bus.js";
import { checkMessageSize } from "../message-size.js";
import { createPublishQueue, type PublishOutcome } from "../publish-queue.js";
import type { MessagePlace } from "../waiting-messages.js";
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
  /** What is not durable yet. */
  waiting(): MessageBound;
}

const defaultQueue: MessageBound = { messages: 100_000, bytes: 64 * 1024 * 1024 };

export function createPublisher(options: PublisherOptions): Publisher {
  const { connection, queue: bound = defaultQueue, counters, closing, log } = options;
  const newest = new Map<string, { readonly topic: Topic; readonly message: OutgoingMessage }>();
  const queue = createPublishQueue<PublishedMessage>({
    name: "remote bus",
    bound,
    send: async (messages) => outcomesOf(messages, await connection.publish(messages, closing)),
    closing,
    log,
    ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
  });

  async function publish(topic: Topic, message: OutgoingMessage): Promise<MessagePlace> {
    checkMessageSize(topic, message, counters);
    const published = toPublished(topic, message);
    validate(PublishedMessageSchema, published);
    if (compactedTopics.has(topic)) newest.set(`${topic} ${message.key}`, { topic, message });
    try {
      const place = await queue.add(published);
      counters.published++;
      return place;
    } catch (error) {
      if (hasReason(error, ErrorReason.BUSY)) counters.refusedBusy++;
      throw error;
    }
  }

  return {
    publish,
    waiting: queue.waiting,
    publishCompactedAgain() {
      log.info({ messages: newest.size }, "the bus began anew: publishing the newest message of each key again");
      for (const { topic, message } of newest.values()) {
        publish(topic, message).catch((error) => log.warn({ err: error, topic }, "not published again"));
      }
    },
  };
}

function outcomesOf(messages: readonly PublishedMessage[], results: readonly PublishResult[]): PublishOutcome[] {
  return messages.map((_, index) => {
    const result = results[index]?.result;
    if (result?.case === "place") return { place: { partition: result.value.partition, offset: result.value.offset } };
    if (result?.case === "refusal" && result.value.error) {
      return { error: failureOf(result.value.message, result.value.error) };
    }
    return { error: failure(ErrorReason.INTERNAL, "the bus did not say what became of a message") };
  });
}
