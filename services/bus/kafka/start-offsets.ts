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

/** How far a group came in a partition, and in which of its lives; 0 when it counts none. */
export interface Position {
  readonly offset: number;
  readonly life: number;
}

/** The oldest and the next offset of each partition. */
export async function fetchEnds(
  admin: Admin,
  topic: string,
): Promise<ReadonlyMap<number, { low: number; high: number }>> {
  const ends = await retryTransient(() => admin.fetchTopicOffsets(topic));
  return new Map(ends.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
}

/** What the group has committed. */
export async function fetchPositions(admin: Admin, topic: string, groupId: string): Promise<Map<number, Position>> {
  const found = await retryTransient(() => admin.fetchOffsets({ groupId, topics: [topic] }));
  const committed = found.flatMap(({ partitions }) => partitions).filter(({ offset }) => Number(offset) >= 0);
  return new Map(
    committed.map(({ partition, offset, metadata }) => [partition, { offset: Number(offset), life: lifeOf(metadata) }]),
  );
}

/** Text that is committed beside a position. */
export function lifeText(life: number): string {
  return `life ${life}`;
}

function lifeOf(metadata: string | null): number {
  return Number(/^life (\d+)$/.exec(metadata ?? "")?.[1] ?? 0);
}

export function joinOffsets(
  ends: ReadonlyMap<number, { low: number; high: number }>,
  positions: ReadonlyMap<number, Position>,
): TopicOffsets {
  return new Map(
    [...ends].map(([partition, end]) => [partition, { ...end, committed: positions.get(partition)?.offset }]),
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
