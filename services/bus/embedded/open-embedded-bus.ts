// The bus of one process: topics in memory, for everything that runs together in `up`. A message is durable once it is in
// memory; what the process knew is gone with it.
import { createHash } from "node:crypto";
import { ErrorReason, failure } from "../../shared/errors.js";
import type {
  Bus,
  BusOptions,
  MessageBound,
  MessageHandler,
  OutgoingMessage,
  SubscribeOptions,
  Subscription,
  Topic,
} from "../bus.js";
import { compactedTopics } from "../bus.js";
import { checkMessageSize } from "../message-size.js";
import { createOpenSubscriptions } from "../open-subscriptions.js";
import { type ConsumerGroup, createConsumerGroup } from "./consumer-group.js";
import { createPartitionLog, type PartitionLog } from "./partition-log.js";

interface TopicState {
  readonly name: Topic;
  readonly logs: readonly PartitionLog[];
  readonly groups: Map<string, ConsumerGroup>;
}

const defaultPartitions: Record<Topic, number> = { commands: 4, replies: 4, presence: 1 };
const defaultQueue: MessageBound = { messages: 100_000, bytes: 256 * 1024 * 1024 };
const defaultRetention: MessageBound = { messages: 1_000, bytes: 16 * 1024 * 1024 };

/** Opens a bus that lives in this process alone. */
export function openEmbeddedBus(options: BusOptions = {}): Bus {
  const queue = options.queue ?? defaultQueue;
  const counters = { published: 0, refusedBusy: 0, refusedTooLarge: 0, delivered: 0, rejected: 0, expired: 0 };
  const topics = createTopics(options);
  const subscriptions = createOpenSubscriptions();
  let open = true;

  function checkOpen() {
    if (!open)
      throw failure(ErrorReason.UNREACHABLE, "the embedded bus is closed", { metadata: { address: "embedded" } });
  }

  async function publish(topic: Topic, message: OutgoingMessage) {
    checkOpen();
    checkMessageSize(topic, message, counters);
    const state = topics[topic];
    const partition = message.partition ?? partitionOfKey(message.key, state.logs.length);
    const log = logOf(state, partition);
    const neededFrom = Math.min(log.end(), ...[...state.groups.values()].map((group) => group.neededFrom(partition)));
    if (isFull(log.sizeFrom(neededFrom), queue, message.value.length)) {
      counters.refusedBusy++;
      throw busy(topic, partition, queue);
    }
    const { offset } = log.append(message, neededFrom);
    counters.published++;
    for (const group of state.groups.values()) group.wake(partition);
    return { partition, offset: BigInt(offset) };
  }

  async function subscribe(subscribeOptions: SubscribeOptions, handler: MessageHandler): Promise<Subscription> {
    checkOpen();
    const { topic, group: name, partition, from, maxInFlight = 1, keepPosition = true } = subscribeOptions;
    const state = topics[topic];
    if (partition !== undefined) logOf(state, partition);
    const group = state.groups.get(name) ?? createConsumerGroup(name, state.logs, from, counters);
    const member = group.join({ handler, maxInFlight, partition });
    state.groups.set(name, group);
    const { caughtUp, expired } = member;
    async function close() {
      const closed = member.close();
      if (!keepPosition && group.isEmpty()) state.groups.delete(name);
      await closed;
    }
    return subscriptions.add({ caughtUp, expired, close }, () => ({ topic, group: name, behind: member.behind() }));
  }

  return {
    publish,
    subscribe,
    partitions: (topic) => topics[topic].logs.length,
    // Nothing cuts a subscription off within one process.
    counters: () => ({ ...counters, resubscribed: 0 }),
    gauges: () => ({
      // In memory is durable here.
      waiting: { messages: 0, bytes: 0 },
      subscriptions: subscriptions.gauges(),
    }),
    async close() {
      open = false;
      await subscriptions.closeAll();
    },
  };
}

function createTopics(options: BusOptions): Record<Topic, TopicState> {
  const retention = options.retention ?? defaultRetention;
  const create = (name: Topic): TopicState => {
    const count = options.partitions?.[name] ?? defaultPartitions[name];
    const logs = Array.from({ length: count }, () => createPartitionLog(retention, compactedTopics.has(name)));
    return { name, logs, groups: new Map() };
  };
  return { commands: create("commands"), replies: create("replies"), presence: create("presence") };
}

function partitionOfKey(key: string, count: number): number {
  return createHash("sha1").update(key).digest().readUInt32BE(0) % count;
}

function logOf(topic: TopicState, partition: number): PartitionLog {
  const log = topic.logs[partition];
  if (log) return log;
  throw failure(ErrorReason.INVALID_ARGUMENT, `topic ${topic.name} has no partition ${partition}`, {
    metadata: { field: "partition", rule: `lt.${topic.logs.length}` },
    remedy: `use a partition from 0 to ${topic.logs.length - 1}`,
  });
}

function isFull(waiting: MessageBound, bound: MessageBound, bytes: number): boolean {
  return waiting.messages >= bound.messages || (waiting.messages > 0 && waiting.bytes + bytes > bound.bytes);
}

function busy(topic: Topic, partition: number, bound: MessageBound) {
  return failure(ErrorReason.BUSY, `the queue of ${topic} partition ${partition} is full`, {
    metadata: { queue: `bus ${topic}/${partition}`, capacity: `${bound.messages} messages, ${bound.bytes} bytes` },
    remedy: "try again when subscribers have caught up",
  });
}
