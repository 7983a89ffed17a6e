// Where a subscription begins in each partition, asked of the brokers before it joins its group.
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type Admin } from "kafkajs";
import type { StartPosition } from "../bus.js";

const leaderPatienceMs = 10_000;
const leaderPollMs = 20;
const unledErrors = new Set(["NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PARTITION"]);

/** One partition as the brokers know it. */
export interface PartitionOffsets {
  /** Oldest offset that is kept. */
  readonly low: number;
  /** Offset that the next message gets. */
  readonly high: number;
  /** The group's position, when it has one. */
  readonly committed: number | undefined;
}

export type TopicOffsets = ReadonlyMap<number, PartitionOffsets>;

/** Without a group nothing is committed. */
export async function fetchOffsets(admin: Admin, topic: string, groupId: string | undefined): Promise<TopicOffsets> {
  const [ends, positions] = await Promise.all([
    onceLed(() => admin.fetchTopicOffsets(topic)),
    groupId === undefined ? [] : admin.fetchOffsets({ groupId, topics: [topic] }),
  ]);
  const committed = new Map(
    positions.flatMap(({ partitions }) => partitions).map(({ partition, offset }) => [partition, Number(offset)]),
  );
  return new Map(
    ends.map(({ partition, low, high }) => {
      const position = committed.get(partition) ?? -1;
      return [partition, { low: Number(low), high: Number(high), committed: position < 0 ? undefined : position }];
    }),
  );
}

// A partition that was just created, or has just moved, is led by a broker that does not know it yet.
async function onceLed<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (const deadline = performance.now() + leaderPatienceMs; ; await sleep(leaderPollMs)) {
    try {
      return await ask();
    } catch (error) {
      const unled = error instanceof kafkajs.KafkaJSProtocolError && unledErrors.has(error.type);
      if (!unled || performance.now() > deadline) throw error;
    }
  }
}

/** Where to begin in a partition when neither its group nor this subscription has been there. */
export type BeginAt = (partition: number, offsets: PartitionOffsets) => number;

/** `latest` is behind what was there at first; a partition that came later is all new. */
export function beginAt(from: StartPosition, atFirst: TopicOffsets): BeginAt {
  return (partition, { low }) => (from === "latest" ? (atFirst.get(partition)?.high ?? low) : low);
}

/** The furthest of the positions, as far as its messages are still kept. */
export function startOf(
  partition: number,
  offsets: PartitionOffsets,
  remembered: number | undefined,
  begin: BeginAt,
): number {
  const { low, high, committed } = offsets;
  if (committed === undefined && remembered === undefined) return begin(partition, offsets);
  return Math.min(Math.max(committed ?? low, remembered ?? low, low), high);
}
