// One group on one topic: its position in every partition, and which of its members owns which partition.
import { ErrorReason, failure } from "../../shared/errors.js";
import type { MessageHandler, StartPosition, Subscription } from "../bus.js";
import type { DeliveryCounters, DeliveryOwner } from "../handle-until-done.js";
import { createDeliveryLane } from "./delivery-lane.js";
import type { PartitionLog } from "./partition-log.js";

/** A subscriber that joins. */
export interface GroupMember {
  readonly handler: MessageHandler;
  readonly maxInFlight: number;
  /** The only partition it takes; undefined for its share of all. */
  readonly partition: number | undefined;
}

/** A member's hold on the group. */
export interface Membership extends Subscription {
  /** Messages in its partitions that are not handled yet. */
  behind(): number;
}

export interface ConsumerGroup {
  /** Adds a member and shares the partitions out anew; its close does so without the member. */
  join(member: GroupMember): Membership;
  /** The oldest offset of this partition that a member still has to take; infinite when no member takes it. */
  neededFrom(partition: number): number;
  isEmpty(): boolean;
  /** There is something new in this partition. */
  wake(partition: number): void;
}

/** A group whose positions begin at the topic's present start or end. */
export function createConsumerGroup(
  name: string,
  logs: readonly PartitionLog[],
  from: StartPosition,
  counters: DeliveryCounters,
): ConsumerGroup {
  const lanes = logs.map((log, partition) =>
    createDeliveryLane(log, partition, from === "earliest" ? 0 : log.end(), counters, tellCaughtUp),
  );
  const members = new Map<DeliveryOwner, GroupMember>();
  // Those who wait for what was there when they came: where each partition ended then.
  const catchingUp = new Map<DeliveryOwner, { readonly ends: readonly number[]; readonly resolve: () => void }>();

  function tellCaughtUp() {
    for (const [owner, { ends, resolve }] of catchingUp) {
      if (lanes.some((lane, partition) => lane.owner() === owner && lane.position() < (ends[partition] ?? 0))) continue;
      catchingUp.delete(owner);
      resolve();
    }
  }

  function catchUp(owner: DeliveryOwner): Promise<void> {
    const ends = logs.map((log) => log.end());
    return new Promise((resolve) => catchingUp.set(owner, { ends, resolve }));
  }

  function share() {
    const owners = [...members.keys()];
    for (const [partition, lane] of lanes.entries()) {
      lane.assign(owners.filter((owner) => takes(members.get(owner), partition)).at(partition % owners.length));
    }
  }

  function checkAlone(member: GroupMember) {
    const others = [...members.values()];
    if (others.length === 0 || (member.partition ?? others[0]?.partition) === undefined) return;
    throw failure(
      ErrorReason.INVALID_ARGUMENT,
      `group ${name} already has a subscriber, and one of them wants a fixed partition`,
      {
        metadata: { field: "group", rule: "alone" },
        remedy: "give every subscriber of a fixed partition a group of its own",
      },
    );
  }

  return {
    join(member) {
      checkAlone(member);
      const closing = new AbortController();
      const { handler, maxInFlight } = member;
      const owner: DeliveryOwner = { handler, maxInFlight, signal: closing.signal, expired: 0 };
      members.set(owner, member);
      const caughtUp = catchUp(owner);
      share();
      return {
        caughtUp,
        expired: () => owner.expired,
        behind: () => lanes.reduce((sum, lane) => sum + (lane.owner() === owner ? lane.behind() : 0), 0),
        close: async () => {
          members.delete(owner);
          closing.abort();
          share();
          await Promise.all(lanes.map((lane) => lane.idle(owner)));
        },
      };
    },
    neededFrom: (partition) => {
      const lane = lanes[partition];
      return lane?.owner() ? lane.position() : Number.POSITIVE_INFINITY;
    },
    isEmpty: () => members.size === 0,
    wake: (partition) => lanes[partition]?.wake(),
  };
}

function takes(member: GroupMember | undefined, partition: number): boolean {
  return member !== undefined && (member.partition === undefined || member.partition === partition);
}
