// A subscription that outlives its consumers: when one crashes it opens the next, after its handlers have ended, and goes on
// where it was. Positions are committed once in a while and at the end; what is lost of them comes again.
import type { Admin, Kafka } from "kafkajs";
import { backoffMs } from "../../shared/backoff.js";
import type { Logger } from "../../shared/log.js";
import { pause } from "../../shared/pause.js";
import type { MessageHandler, SubscribeOptions, Subscription } from "../bus.js";
import type { DeliveryCounters } from "../handle-until-done.js";
import { type ChosenGroup, chooseGroup } from "./choose-group.js";
import { type RunningConsumer, runConsumer } from "./consumer.js";
import type { KafkaBusOptions } from "./kafka-options.js";
import { createOwnedPartitions, type OwnedPartitions } from "./owned-partitions.js";
import { type BeginAt, beginAt, lifeText, startOf } from "./start-offsets.js";
import { groupName, topicName } from "./topics.js";
import { defaultOpenPatienceMs, openBackoff, untilReachable } from "./until-reachable.js";
import { waitAtMost } from "./wait-at-most.js";

export interface KafkaSubscriptionOptions {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly bus: KafkaBusOptions;
  readonly wanted: SubscribeOptions;
  readonly handler: MessageHandler;
  readonly counters: DeliveryCounters & { resubscribed: number };
  /** Aborted when the bus closes. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

export interface KafkaSubscription extends Subscription {
  /** Messages that are not done, as far as they are known. */
  behind(): number;
}

// One consumer and what it owns.
interface Session {
  readonly consumer: RunningConsumer;
  readonly owned: OwnedPartitions;
}

const defaultSessionTimeoutMs = 6_000;
const commitIntervalMs = 1_000;
// For each step of the end, when brokers are away.
const endPatienceMs = 2_000;

/** Resolves when messages flow. Throws what the brokers refuse it for, or UNREACHABLE. */
export async function openKafkaSubscription(options: KafkaSubscriptionOptions): Promise<KafkaSubscription> {
  const { kafka, admin, bus, wanted, handler, counters } = options;
  const { partition, from, maxInFlight = 1, keepPosition = true, alone = false } = wanted;
  const topic = topicName(bus.fleetId, wanted.topic);
  const group = groupName(bus.fleetId, wanted.topic, wanted.group);
  const log = options.log.child({ topic: wanted.topic, group: wanted.group });
  const own = new AbortController();
  const signal = AbortSignal.any([own.signal, options.closing]);
  // How far consumers before the present one came.
  const remembered = new Map<number, number>();
  const committed = new Map<number, number>();
  let committing: Promise<void> = Promise.resolve();
  let expiredBefore = 0;
  let onCaughtUp: () => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => (onCaughtUp = resolve));

  const opening = {
    what: `subscribing to ${topic} as ${group}`,
    brokers: bus.brokers,
    deadline: performance.now() + (bus.patienceMs ?? defaultOpenPatienceMs),
    signal,
    log,
  };
  const choose = () => chooseGroup(admin, { topic, group, alone, keepPosition });
  let chosen: ChosenGroup | undefined = await untilReachable(opening, choose);
  const atFirst = chosen.offsets;
  const begin: BeginAt = beginAt(from, atFirst);

  async function open({ groupId, life, offsets }: ChosenGroup): Promise<Session> {
    // Another group knows nothing of what the one before has.
    committed.clear();
    const owned: OwnedPartitions = createOwnedPartitions({
      handler,
      maxInFlight,
      counters,
      offsets,
      fetchOffsets: async () => (await choose()).offsets,
      startOf: (each, known) => startOf(each, known, remembered.get(each), begin),
      onProgress: () => {
        if (waiting && owned.hasReached(atFirst)) tellCaughtUp();
      },
      log,
    });
    const consumer = await runConsumer({
      kafka,
      topic,
      groupId,
      positionText: lifeText(life),
      partition,
      sessionTimeoutMs: bus.sessionTimeoutMs ?? defaultSessionTimeoutMs,
      onAssigned: owned.assign,
      onRebalancing: (running) => void commit({ consumer: running, owned }),
      onBatch: owned.take,
    });
    return { consumer, owned };
  }

  let waiting = true;
  function tellCaughtUp() {
    waiting = false;
    onCaughtUp();
  }

  // One at a time: each commits what the one before did not.
  function commit(session: Session): Promise<void> {
    committing = committing.then(() => commitChanged(session));
    return committing;
  }

  async function commitChanged({ consumer, owned }: Session): Promise<void> {
    const changed = new Map([...owned.positions()].filter(([each, offset]) => committed.get(each) !== offset));
    if (!keepPosition || changed.size === 0) return;
    try {
      await consumer.commit(changed);
      for (const [each, offset] of changed) committed.set(each, offset);
    } catch (error) {
      log.warn({ err: error }, "positions are not committed; what they stand for may come again");
    }
  }

  async function leave({ owned }: Session): Promise<void> {
    await owned.abandon();
    for (const [each, offset] of owned.positions()) remembered.set(each, offset);
    expiredBefore += owned.expired();
  }

  async function reopen(): Promise<Session | undefined> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      // Closing ends the pause early, and then the loop.
      await pause(backoffMs(attempt, openBackoff), signal);
      try {
        if (!signal.aborted) return await open(await choose());
      } catch (error) {
        log.warn({ err: error }, "not subscribed");
      }
    }
    return undefined;
  }

  async function keepOpen(): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    while (current && !signal.aborted) {
      const reason = await Promise.race([current.consumer.crashed, aborted]);
      if (signal.aborted) return;
      counters.resubscribed++;
      log.warn({ err: reason }, "the consumer crashed; opening another");
      const crashed = current;
      current = undefined;
      await leave(crashed);
      current = await reopen();
    }
  }

  let current: Session | undefined = await untilReachable(opening, async () => {
    const group = chosen ?? (await choose());
    chosen = undefined;
    return open(group);
  });
  const kept = keepOpen();
  const timer = setInterval(() => current && void commit(current), commitIntervalMs);
  timer.unref();

  async function end(): Promise<void> {
    own.abort();
    clearInterval(timer);
    const abandoned = current?.owned.abandon();
    await kept;
    await abandoned;
    const last = current;
    if (last) {
      current = undefined;
      await leave(last);
      await waitAtMost(endPatienceMs, "committing positions", commit(last), log);
      await waitAtMost(endPatienceMs, "leaving the group", last.consumer.stop(), log);
    }
    onCaughtUp();
  }

  let ended: Promise<void> | undefined;
  return {
    caughtUp,
    expired: () => expiredBefore + (current?.owned.expired() ?? 0),
    behind: () => current?.owned.behind() ?? 0,
    close() {
      ended ??= end();
      return ended;
    },
  };
}
