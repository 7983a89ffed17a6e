// Where a subscription begins in each partition, asked of the brokers before it joins its group.
import type { Admin } from "kafkajs";
import type { StartPosition } from "../bus.js";
import { retryTransient } from "./retry-transient.js";

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
    retryTransient(() => admin.fetchTopicOffsets(topic)),
    groupId === undefined ? [] : retryTransient(() => admin.fetchOffsets({ groupId, topics: [topic] })),
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
