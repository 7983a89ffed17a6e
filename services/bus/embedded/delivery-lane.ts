// One group's way through one partition: it hands messages to whichever subscriber owns the partition now.
import {
  countExpired,
  type DeliveryCounters,
  type DeliveryOwner,
  handleUntilDone,
  hasExpired,
} from "../handle-until-done.js";
import type { PartitionLog, StoredMessage } from "./partition-log.js";

export interface DeliveryLane {
  /** Offset of the oldest message that is not done. */
  position(): number;
  /** From now on messages go to this owner, beginning with the oldest that is not done; undefined stops the flow. */
  assign(owner: DeliveryOwner | undefined): void;
  owner(): DeliveryOwner | undefined;
  /** Messages at its position and behind it. */
  behind(): number;
  /** There may be more to deliver. */
  wake(): void;
  /** Resolves when no handler of this owner runs. */
  idle(owner: DeliveryOwner): Promise<void>;
}

/** A lane that begins at this offset. */
export function createDeliveryLane(
  log: PartitionLog,
  partition: number,
  startOffset: number,
  counters: DeliveryCounters,
  /** Called when the position may have moved. */
  onProgress: () => void,
): DeliveryLane {
  let owner: DeliveryOwner | undefined;
  let next = startOffset;
  let scheduled = false;
  const running = new Map<number, { readonly by: DeliveryOwner; readonly ended: Promise<void> }>();
  // Left unfinished by an owner that went; they come before everything else.
  const returned = new Set<number>();

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      deliver();
      onProgress();
    });
  }

  function deliver() {
    while (owner && running.size < owner.maxInFlight) {
      const stored = take(owner);
      if (!stored) return;
      running.set(stored.offset, { by: owner, ended: handle(stored, owner) });
    }
  }

  function take(by: DeliveryOwner): StoredMessage | undefined {
    for (let stored = takeStored(); stored; stored = takeStored()) {
      if (!hasExpired(stored.message)) return stored;
      countExpired(by, counters);
    }
    return undefined;
  }

  function takeStored(): StoredMessage | undefined {
    for (const offset of [...returned].sort((a, b) => a - b)) {
      returned.delete(offset);
      const stored = log.firstFrom(offset);
      // Retention may have dropped it while nobody subscribed.
      if (stored?.offset === offset) return stored;
    }
    const stored = log.firstFrom(next);
    if (stored) next = stored.offset + 1;
    return stored;
  }

  async function handle(stored: StoredMessage, by: DeliveryOwner): Promise<void> {
    const { message, offset } = stored;
    const done = await handleUntilDone({ ...message, partition, offset: BigInt(offset) }, by, counters);
    running.delete(stored.offset);
    if (!done) returned.add(stored.offset);
    schedule();
  }

  return {
    position: () => Math.min(next, ...running.keys(), ...returned),
    assign(newOwner) {
      owner = newOwner;
      schedule();
    },
    owner: () => owner,
    behind: () => running.size + returned.size + log.sizeFrom(next).messages,
    wake: schedule,
    async idle(of) {
      await Promise.all([...running.values()].filter(({ by }) => by === of).map(({ ended }) => ended));
    },
  };
}
