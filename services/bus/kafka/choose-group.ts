// Which group on the brokers a subscription joins, and where its former members came to. A member that was killed counts as one until
// its session times out, and whoever joins waits for that. A subscriber that is alone need not: it has several groups, and joins one
// that nobody is in. Each life writes its number beside the positions that it commits, so that the next one knows which are the newest.
import type { Admin } from "kafkajs";
import { retryTransient } from "./retry-transient.js";
import { fetchEnds, fetchPositions, joinOffsets, type Position, type TopicOffsets } from "./start-offsets.js";

export interface GroupOptions {
  readonly topic: string;
  readonly group: string;
  /** True when the group has no other living member. */
  readonly alone: boolean;
  readonly keepPosition: boolean;
}

export interface ChosenGroup {
  readonly groupId: string;
  /** To be committed with its positions. */
  readonly life: number;
  readonly offsets: TopicOffsets;
}

// The first has the plain name. A subscriber that is killed more often within one session timeout waits like any other.
const suffixes = ["", ".second", ".third"];

export async function chooseGroup(admin: Admin, options: GroupOptions): Promise<ChosenGroup> {
  const { topic, group, alone, keepPosition } = options;
  const groups = alone ? suffixes.map((suffix) => `${group}${suffix}`) : [group];
  const [ends, found, groupId] = await Promise.all([
    fetchEnds(admin, topic),
    Promise.all(keepPosition ? groups.map((each) => fetchPositions(admin, topic, each)) : []),
    alone ? freeGroup(admin, groups) : group,
  ]);
  const newest = new Map<number, Position>();
  for (const [partition, position] of found.flatMap((positions) => [...positions])) {
    if (position.life >= (newest.get(partition)?.life ?? 0)) newest.set(partition, position);
  }
  const life = Math.max(0, ...[...newest.values()].map((position) => position.life)) + 1;
  return { groupId, life, offsets: joinOffsets(ends, newest) };
}

async function freeGroup(admin: Admin, groupIds: readonly string[]): Promise<string> {
  const { groups } = await retryTransient(() => admin.describeGroups([...groupIds]));
  const occupied = new Set(groups.filter(({ members }) => members.length > 0).map(({ groupId }) => groupId));
  return groupIds.find((groupId) => !occupied.has(groupId)) ?? (groupIds[0] as string);
}
