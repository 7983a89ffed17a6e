// The bus over Apache Kafka: topics of the fleet, a publisher, and a consumer for each subscription. kafkajs's public interface is
// all that is used of it, so that another client could take its place in this folder.
import type { Admin, Kafka } from "kafkajs";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Bus, MessageHandler, SubscribeOptions, Subscription, Topic } from "../bus.js";
import { createOpenSubscriptions } from "../open-subscriptions.js";
import { createKafkaClient, type KafkaClient } from "./kafka-client.js";
import { kafkaFailure } from "./kafka-errors.js";
import type { KafkaBusOptions } from "./kafka-options.js";
import { openPublisher } from "./publisher.js";
import { openKafkaSubscription } from "./subscription.js";
import { ensureTopics } from "./topics.js";
import { defaultOpenPatienceMs, untilReachable } from "./until-reachable.js";
import { waitAtMost } from "./wait-at-most.js";

const flushPatienceMs = 5_000;
const disconnectPatienceMs = 2_000;

/**
 * Resolves when the topics are there and as they must be. UNREACHABLE when no broker answers, UNAUTHENTICATED or PERMISSION_DENIED
 * when they refuse, INVALID_ARGUMENT when a topic has settings that do not do.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  checkFleetId(options.fleetId);
  const client = createKafkaClient(options);
  try {
    return await openWithClient(client, options);
  } catch (error) {
    client.cut();
    throw error;
  }
}

async function openWithClient({ kafka, cut }: KafkaClient, options: KafkaBusOptions): Promise<Bus> {
  const { admin, partitions } = await openAdmin(kafka, options);
  const closing = new AbortController();
  const counters = createCounters();
  const { log, brokers } = options;
  const publisher = await openPublisher({
    kafka,
    bus: options,
    partitions,
    counters,
    closing: closing.signal,
    log,
  }).catch(async (error) => {
    await admin.disconnect();
    throw kafkaFailure("connecting the producer", brokers, error);
  });
  const subscriptions = createOpenSubscriptions();
  const address = brokers.join(",");
  const closed = () => failure(ErrorReason.UNREACHABLE, `the bus at ${address} is closed`, { metadata: { address } });
  let ended: Promise<void> | undefined;

  function checkOpen() {
    if (ended) throw closed();
  }

  async function subscribe(wanted: SubscribeOptions, handler: MessageHandler): Promise<Subscription> {
    checkOpen();
    checkPartition(wanted, partitions);
    const own = { bus: options, wanted, handler, counters, closing: closing.signal, log };
    const opened = await openKafkaSubscription({ kafka, admin, ...own });
    const { topic, group } = wanted;
    const subscription = subscriptions.add(opened, () => ({ topic, group, behind: opened.behind() }));
    // It was closed meanwhile.
    if (ended) await subscription.close();
    checkOpen();
    return subscription;
  }

  async function end(): Promise<void> {
    const flushed = waitAtMost(flushPatienceMs, "flushing what was published", publisher.idle(), log);
    await subscriptions.closeAll();
    await flushed;
    closing.abort(closed());
    const disconnected = Promise.all([publisher.disconnect(), admin.disconnect()]);
    await waitAtMost(disconnectPatienceMs, "disconnecting", disconnected, log);
    cut();
  }

  return {
    async publish(topic, message) {
      checkOpen();
      return publisher.publish(topic, message);
    },
    subscribe,
    partitions: (topic) => partitions.get(topic) ?? 0,
    counters: () => ({ ...counters }),
    gauges: () => ({ waiting: publisher.waiting(), subscriptions: subscriptions.gauges() }),
    close() {
      ended ??= end();
      return ended;
    },
  };
}

function createCounters() {
  return { published: 0, refusedBusy: 0, refusedTooLarge: 0, delivered: 0, rejected: 0, expired: 0, resubscribed: 0 };
}

async function openAdmin(
  kafka: Kafka,
  options: KafkaBusOptions,
): Promise<{ admin: Admin; partitions: ReadonlyMap<Topic, number> }> {
  const { brokers, log, patienceMs = defaultOpenPatienceMs } = options;
  const what = "opening the bus";
  const admin = kafka.admin();
  try {
    // No broker at all is told at once; from here on some of them are there.
    await admin.connect();
    const deadline = performance.now() + patienceMs;
    const signal = new AbortController().signal;
    const topics = () => ensureTopics(admin, options);
    return { admin, partitions: await untilReachable({ what, brokers, deadline, signal, log }, topics) };
  } catch (error) {
    await admin.disconnect();
    throw kafkaFailure(what, brokers, error);
  }
}

function checkPartition({ topic, partition }: SubscribeOptions, partitions: ReadonlyMap<Topic, number>): void {
  const count = partitions.get(topic) ?? 0;
  if (partition === undefined || partition < count) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `topic ${topic} has no partition ${partition}`, {
    metadata: { field: "partition", rule: `lt.${count}` },
    remedy: `use a partition from 0 to ${count - 1}`,
  });
}

function checkFleetId(fleetId: string): void {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(fleetId)) return;
  throw failure(
    ErrorReason.INVALID_ARGUMENT,
    `the fleet id ${JSON.stringify(fleetId)} cannot be part of a topic's name`,
    {
      metadata: { field: "fleet_id", rule: "[A-Za-z0-9_-]{1,64}" },
      remedy: "use letters, digits, - and _",
    },
  );
}
