// Publishing: a queue per partition with one request under way, acknowledged by all replicas in sync. Messages of a partition
// keep their order through retries. A request whose acknowledgement was lost is sent again: such messages are there twice, and
// when the broker kept the first request in a connection that broke, the copy may come late. Consumers know messages by their ids.
import { type Kafka, Partitioners, type Producer } from "kafkajs";
import { ErrorReason, failure, hasReason } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { MessageBound, OutgoingMessage, Topic } from "../bus.js";
import { checkMessageSize } from "../message-size.js";
import { createPublishQueue, type PublishOutcome, type PublishQueue } from "../publish-queue.js";
import type { MessagePlace } from "../waiting-messages.js";
import { topics } from "../wire.js";
import { kafkaFailure } from "./kafka-errors.js";
import { toKafkaMessage } from "./kafka-message.js";
import type { KafkaBusOptions } from "./kafka-options.js";
import { topicName } from "./topics.js";

export interface PublisherOptions {
  readonly kafka: Kafka;
  readonly bus: KafkaBusOptions;
  readonly partitions: ReadonlyMap<Topic, number>;
  readonly counters: { published: number; refusedBusy: number; refusedTooLarge: number };
  /** Aborted when the bus closes: what still waits is rejected with its reason. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

export interface Publisher {
  publish(topic: Topic, message: OutgoingMessage): Promise<MessagePlace>;
  waiting(): MessageBound;
  /** Resolves when nothing waits. */
  idle(): Promise<void>;
  disconnect(): Promise<void>;
}

const defaultQueue: MessageBound = { messages: 100_000, bytes: 64 * 1024 * 1024 };
const allReplicas = -1;

/** Resolves when it is connected. */
export async function openPublisher(options: PublisherOptions): Promise<Publisher> {
  const { kafka, bus, partitions, counters, closing, log } = options;
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    // The queues above try again, for as long as a message may wait.
    retry: { retries: 0 },
  });
  await producer.connect();
  const choosePartition = createPartitionChoice(partitions);
  const queues = new Map<Topic, PublishQueue<OutgoingMessage>[]>();
  for (const topic of topics) {
    const count = partitions.get(topic) ?? 0;
    queues.set(
      topic,
      Array.from({ length: count }, (_, partition) => createQueue(topic, partition)),
    );
  }
  const all = [...queues.values()].flat();

  function createQueue(topic: Topic, partition: number): PublishQueue<OutgoingMessage> {
    return createPublishQueue({
      name: `${topic}/${partition}`,
      bound: bus.queue ?? defaultQueue,
      send: (messages) => send(producer, topicName(bus.fleetId, topic), partition, messages, bus.brokers),
      closing,
      log,
      ...(bus.patienceMs === undefined ? {} : { patienceMs: bus.patienceMs }),
    });
  }

  return {
    async publish(topic, message) {
      checkMessageSize(topic, message, counters);
      const queue = queues.get(topic)?.[choosePartition(topic, message)];
      try {
        const place = await (queue as PublishQueue<OutgoingMessage>).add(message);
        counters.published++;
        return place;
      } catch (error) {
        if (hasReason(error, ErrorReason.BUSY)) counters.refusedBusy++;
        throw error;
      }
    },
    waiting() {
      const sizes = all.map((queue) => queue.waiting());
      return {
        messages: sizes.reduce((sum, { messages }) => sum + messages, 0),
        bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
      };
    },
    async idle() {
      await Promise.all(all.map((queue) => queue.idle()));
    },
    disconnect: () => producer.disconnect(),
  };
}

// By key as other Kafka clients do it (murmur2), so that tools that look for a key find its partition.
function createPartitionChoice(partitions: ReadonlyMap<Topic, number>) {
  const byKey = Partitioners.DefaultPartitioner();
  const metadata = new Map(
    [...partitions].map(([topic, count]) => [
      topic,
      Array.from({ length: count }, (_, partitionId) => ({ partitionId, leader: 0 })) as never,
    ]),
  );
  return (topic: Topic, { key, partition }: OutgoingMessage): number => {
    const count = partitions.get(topic) ?? 0;
    if (partition === undefined) {
      return byKey({ topic, message: { key, value: null }, partitionMetadata: metadata.get(topic) as never });
    }
    if (partition < count) return partition;
    throw failure(ErrorReason.INVALID_ARGUMENT, `topic ${topic} has no partition ${partition}`, {
      metadata: { field: "partition", rule: `lt.${count}` },
      remedy: `use a partition from 0 to ${count - 1}`,
    });
  };
}

async function send(
  producer: Producer,
  topic: string,
  partition: number,
  messages: readonly OutgoingMessage[],
  brokers: readonly string[],
): Promise<PublishOutcome[]> {
  try {
    const kafkaMessages = messages.map((message) => toKafkaMessage(message, partition));
    const [metadata] = await producer.send({ topic, messages: kafkaMessages, acks: allReplicas });
    const first = BigInt(metadata?.baseOffset ?? 0);
    return messages.map((_, index) => ({ place: { partition, offset: first + BigInt(index) } }));
  } catch (error) {
    throw kafkaFailure(`publishing to ${topic}`, brokers, error);
  }
}
