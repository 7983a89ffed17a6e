// One kafkajs consumer from joining its group to its end, told as assignments and batches. kafkajs itself would start a consumer
// again after some failures and not after others; here every crash ends it, and its subscription opens the next.
import { type Batch, type Consumer, type Kafka, PartitionAssigners } from "kafkajs";
import { fixedPartitionAssigner } from "./fixed-assigner.js";

export interface ConsumerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  /** Kept beside each position that is committed. */
  readonly positionText: string;
  /** Only this partition. */
  readonly partition: number | undefined;
  readonly sessionTimeoutMs: number;
  /** Called with all partitions that it has from now on; before anything of them is fetched, and each time the group shares anew. */
  readonly onAssigned: (consumer: RunningConsumer, partitions: readonly number[]) => void;
  /** The group is about to share anew. */
  readonly onRebalancing: (consumer: RunningConsumer) => void;
  /** Fetching goes on when it resolves, which must be soon. */
  readonly onBatch: (consumer: RunningConsumer, batch: Batch) => Promise<void>;
}

export interface RunningConsumer {
  /** Resolves with why when it crashed. */
  readonly crashed: Promise<unknown>;
  /** Goes on fetching from there. For onAssigned. */
  seek(partition: number, offset: number): void;
  /** Does nothing when it has stopped or crashed, like resume. */
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  commit(positions: ReadonlyMap<number, number>): Promise<void>;
  /** Leaves the group. */
  stop(): Promise<void>;
}

// A fetch waits that long for messages; ones that come end the wait. What is asked of the same connection meanwhile, such as a
// commit or the end, waits behind it.
const fetchWaitMs = 250;
// Batches of so many partitions wait for room at one time.
const concurrentBatches = 16;
// Longer than any batch is kept waiting.
const rebalanceTimeoutMs = 10_000;

/** Resolves when it has joined and fetched for the first time. Rejects when it cannot, as for want of the right to read. */
export async function runConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const { topic, onAssigned, onRebalancing, onBatch } = options;
  const consumer = createConsumer(options);
  const { CRASH, FETCH, GROUP_JOIN, REBALANCING } = consumer.events;
  const crashed = new Promise<unknown>((resolve) => consumer.on(CRASH, ({ payload }) => resolve(payload.error)));
  const running = handleOf(consumer, options, crashed);
  const begun = new Promise<void>((resolve) => {
    consumer.on(GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? [];
      onAssigned(running, partitions);
      // Others of the group have them all: there is nothing to fetch.
      if (partitions.length === 0) resolve();
    });
    const stopWatching = consumer.on(FETCH, () => {
      stopWatching();
      resolve();
    });
  });
  consumer.on(REBALANCING, () => onRebalancing(running));
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: concurrentBatches,
      eachBatch: ({ batch }) => onBatch(running, batch),
    });
    await Promise.race([begun, crashed.then((error) => Promise.reject(error))]);
  } catch (error) {
    await consumer.disconnect();
    throw error;
  }
  return running;
}

function createConsumer({ kafka, topic, groupId, partition, sessionTimeoutMs }: ConsumerOptions): Consumer {
  const assigner = partition === undefined ? PartitionAssigners.roundRobin : fixedPartitionAssigner(topic, partition);
  const heartbeatMs = Math.floor(sessionTimeoutMs / 4);
  return kafka.consumer({
    groupId,
    partitionAssigners: [assigner],
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: rebalanceTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: Math.min(fetchWaitMs, heartbeatMs),
    retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false },
  });
}

function handleOf(
  consumer: Consumer,
  { topic, positionText: metadata }: ConsumerOptions,
  crashed: Promise<unknown>,
): RunningConsumer {
  let stopped = false;
  consumer.on(consumer.events.STOP, () => {
    stopped = true;
  });
  const partitionsOf = (partitions: readonly number[]) => [{ topic, partitions: [...partitions] }];
  return {
    crashed,
    seek: (partition, offset) => consumer.seek({ topic, partition, offset: String(offset) }),
    pause(partitions) {
      if (!stopped) consumer.pause(partitionsOf(partitions));
    },
    resume(partitions) {
      if (!stopped) consumer.resume(partitionsOf(partitions));
    },
    async commit(positions) {
      const offsets = [...positions].map(([partition, offset]) => ({
        topic,
        partition,
        offset: String(offset),
        metadata,
      }));
      await consumer.commitOffsets(offsets);
    },
    stop: () => consumer.disconnect(),
  };
}
