// The partitions that a subscription owns on one consumer, from one sharing of its group to the next: a lane for each. Fetching
// never waits for handlers; a partition whose queue stays full is paused until half of it is done.
import type { Batch } from "kafkajs";
import { backoffMs } from "../../shared/backoff.js";
import type { Logger } from "../../shared/log.js";
import { pause } from "../../shared/pause.js";
import type { MessageHandler } from "../bus.js";
import type { DeliveryCounters, DeliveryOwner } from "../handle-until-done.js";
import type { RunningConsumer } from "./consumer.js";
import { fromKafkaMessage } from "./kafka-message.js";
import { createPartitionLane, type PartitionLane } from "./partition-lane.js";
import type { PartitionOffsets, TopicOffsets } from "./start-offsets.js";

export interface OwnedPartitionsOptions {
  readonly handler: MessageHandler;
  readonly maxInFlight: number;
  readonly counters: DeliveryCounters;
  /** Of just before the consumer joined. */
  readonly offsets: TopicOffsets;
  /** The same of now, for partitions that come later. */
  readonly fetchOffsets: () => Promise<TopicOffsets>;
  readonly startOf: (partition: number, offsets: PartitionOffsets) => number;
  readonly onProgress: () => void;
  readonly log: Logger;
}

export interface OwnedPartitions {
  assign(consumer: RunningConsumer, partitions: readonly number[]): void;
  take(consumer: RunningConsumer, batch: Batch): Promise<void>;
  /** Offset of the oldest message that is not done, by partition. */
  positions(): ReadonlyMap<number, number>;
  /** Messages that are not done, as far as they are known. */
  behind(): number;
  /** True when everything before these ends is done in the partitions that are its own. */
  hasReached(ends: TopicOffsets): boolean;
  /** Messages that it skipped because they had expired. */
  expired(): number;
  /** Calls no handler any more; resolves when none runs. Positions stay. */
  abandon(): Promise<void>;
}

interface Ownership {
  readonly lane: PartitionLane;
  readonly owner: DeliveryOwner;
  readonly ending: AbortController;
  /** Offset behind the newest message of the partition that is known. */
  high: number;
  paused: boolean;
  /** Called when its queue has room. */
  onRoom: () => void;
}

// A queue that handlers empty within this time is not worth pausing for: it costs a round of fetching.
const patienceMs = 50;
const backoff = { firstMs: 100, longestMs: 2_000 };

/** None yet. */
export function createOwnedPartitions(options: OwnedPartitionsOptions): OwnedPartitions {
  const { handler, maxInFlight, counters, startOf, onProgress, log } = options;
  const owned = new Map<number, Ownership>();
  // Assigned, and their start is being looked up.
  const arriving = new Set<number>();
  const leaving = new Map<number, Promise<void>>();
  let offsetsAtJoin: TopicOffsets | undefined = options.offsets;
  let expiredBefore = 0;
  const ended = new AbortController();

  function own(consumer: RunningConsumer, partition: number, offsets: PartitionOffsets, start: number) {
    const ending = new AbortController();
    const owner: DeliveryOwner = { handler, maxInFlight, signal: ending.signal, expired: 0 };
    function onLaneProgress() {
      const fill = ownership.lane.fill();
      if (fill < 1) ownership.onRoom();
      if (ownership.paused && fill < 0.5) {
        ownership.paused = false;
        consumer.resume([partition]);
      }
      onProgress();
    }
    const lane = createPartitionLane({ start, owner, counters, onProgress: onLaneProgress });
    const high = Math.max(offsets.high, start);
    const ownership: Ownership = { lane, owner, ending, high, paused: false, onRoom: () => undefined };
    owned.set(partition, ownership);
    return ownership;
  }

  function lose(partition: number) {
    arriving.delete(partition);
    const ownership = owned.get(partition);
    if (!ownership) return;
    owned.delete(partition);
    ownership.ending.abort();
    ownership.onRoom();
    expiredBefore += ownership.owner.expired;
    const left = ownership.lane.idle().then(() => {
      if (leaving.get(partition) === left) leaving.delete(partition);
    });
    leaving.set(partition, left);
  }

  function gain(consumer: RunningConsumer, partition: number) {
    const offsets = offsetsAtJoin?.get(partition);
    if (offsets) {
      const start = startOf(partition, offsets);
      own(consumer, partition, offsets, start);
      return consumer.seek(partition, start);
    }
    // Nothing of it is fetched until its last owner's position is known.
    consumer.pause([partition]);
    arriving.add(partition);
    void arrive(consumer, partition);
  }

  async function arrive(consumer: RunningConsumer, partition: number) {
    const offsets = await lookUp(partition);
    await leaving.get(partition);
    if (!offsets || !arriving.delete(partition) || ended.signal.aborted) return;
    const start = startOf(partition, offsets);
    own(consumer, partition, offsets, start);
    consumer.seek(partition, start);
    consumer.resume([partition]);
    onProgress();
  }

  async function lookUp(partition: number): Promise<PartitionOffsets | undefined> {
    for (let attempt = 1; arriving.has(partition) && !ended.signal.aborted; attempt++) {
      try {
        const offsets = (await options.fetchOffsets()).get(partition);
        if (offsets) return offsets;
      } catch (error) {
        log.warn({ err: error, partition }, "the position of a partition cannot be read");
      }
      await pause(backoffMs(attempt, backoff), ended.signal);
    }
    return undefined;
  }

  // The log ends before what was read of it already: it was lost, and is read from where it begins now.
  function beginAgain(consumer: RunningConsumer, partition: number, first: number, high: number): Ownership {
    log.warn({ partition, first, high }, "the brokers lost messages of a partition that were read before");
    lose(partition);
    return own(consumer, partition, { low: first, high, committed: undefined }, first);
  }

  async function take(consumer: RunningConsumer, batch: Batch) {
    const { partition, messages } = batch;
    const [first] = messages;
    let ownership = owned.get(partition);
    if (!ownership || !first) return;
    const high = Number(batch.highWatermark);
    if (high < ownership.lane.next()) ownership = beginAgain(consumer, partition, Number(first.offset), high);
    ownership.high = high;
    const fetched = messages.map((message) => fromKafkaMessage(message, partition));
    ownership.lane.add(fetched, Number(batch.lastOffset()) + 1);
    if (ownership.lane.fill() < 1) return;
    await roomWithin(ownership, patienceMs);
    if (ownership.lane.fill() < 1 || ownership.ending.signal.aborted) return;
    ownership.paused = true;
    consumer.pause([partition]);
  }

  return {
    assign(consumer, partitions) {
      for (const partition of [...owned.keys(), ...arriving]) {
        if (!partitions.includes(partition)) lose(partition);
      }
      for (const partition of partitions) {
        const ownership = owned.get(partition);
        // Its queue stays; fetching goes on behind it.
        if (ownership) consumer.seek(partition, ownership.lane.next());
        else if (!arriving.has(partition)) gain(consumer, partition);
      }
      offsetsAtJoin = undefined;
      onProgress();
    },
    take,
    positions: () => new Map([...owned].map(([partition, { lane }]) => [partition, lane.position()])),
    behind() {
      let sum = 0;
      for (const { lane, high } of owned.values()) sum += Math.max(high, lane.next()) - lane.position();
      return sum;
    },
    hasReached(ends) {
      if (arriving.size > 0) return false;
      return [...owned].every(([partition, { lane }]) => lane.position() >= (ends.get(partition)?.high ?? 0));
    },
    expired() {
      let sum = expiredBefore;
      for (const { owner } of owned.values()) sum += owner.expired;
      return sum;
    },
    async abandon() {
      ended.abort();
      for (const { ending, onRoom } of owned.values()) {
        ending.abort();
        onRoom();
      }
      await Promise.all([...leaving.values(), ...[...owned.values()].map(({ lane }) => lane.idle())]);
    },
  };
}

async function roomWithin(ownership: Ownership, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    ownership.onRoom = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  ownership.onRoom = () => undefined;
}
