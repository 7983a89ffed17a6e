// One group's way through one partition: it hands messages to whichever subscriber owns the partition now.

import { pause } from "../../shared/pause.js";
import type { MessageHandler, OutgoingMessage } from "../bus.js";
import type { PartitionLog, StoredMessage } from "./partition-log.js";

/** What a lane counts. */
export interface DeliveryCounters {
  delivered: number;
  rejected: number;
  expired: number;
}

/** A subscriber as lanes see it. */
export interface LaneOwner {
  readonly handler: MessageHandler;
  readonly maxInFlight: number;
  /** Aborted when it closes: it then gets no further calls. */
  readonly signal: AbortSignal;
  /** Messages that lanes skipped for it because they had expired. */
  expired: number;
}

export interface DeliveryLane {
  /** Offset of the oldest message that is not done. */
  position(): number;
  /** From now on messages go to this owner, beginning with the oldest that is not done; undefined stops the flow. */
  assign(owner: LaneOwner | undefined): void;
  owner(): LaneOwner | undefined;
  /** Messages at its position and behind it. */
  behind(): number;
  /** There may be more to deliver. */
  wake(): void;
  /** Resolves when no handler of this owner runs. */
  idle(owner: LaneOwner): Promise<void>;
}

const firstPauseMs = 10;
const longestPauseMs = 1_000;

/** A lane that begins at this offset. */
export function createDeliveryLane(
  log: PartitionLog,
  partition: number,
  startOffset: number,
  counters: DeliveryCounters,
  /** Called when the position may have moved. */
  onProgress: () => void,
): DeliveryLane {
  let owner: LaneOwner | undefined;
  let next = startOffset;
  let scheduled = false;
  const running = new Map<number, { readonly by: LaneOwner; readonly ended: Promise<void> }>();
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

  function take(by: LaneOwner): StoredMessage | undefined {
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

  async function handle(stored: StoredMessage, by: LaneOwner): Promise<void> {
    const done = await handleUntilDone(stored, by, partition, counters);
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

// False when the owner closed before the handler resolved.
async function handleUntilDone(
  { message, offset }: StoredMessage,
  owner: LaneOwner,
  partition: number,
  counters: DeliveryCounters,
): Promise<boolean> {
  for (let attempt = 1; !owner.signal.aborted; attempt++) {
    try {
      await owner.handler({ ...message, partition, offset: BigInt(offset), attempt });
      counters.delivered++;
      return true;
    } catch {
      // The handler's own log says why; the bus counts and calls again.
      counters.rejected++;
    }
    if (hasExpired(message)) {
      countExpired(owner, counters);
      return true;
    }
    await pauseBefore(attempt, owner.signal);
  }
  return false;
}

function hasExpired({ expiresAtMs }: OutgoingMessage): boolean {
  return (expiresAtMs ?? Number.POSITIVE_INFINITY) <= Date.now();
}

function countExpired(owner: LaneOwner, counters: DeliveryCounters): void {
  owner.expired++;
  counters.expired++;
}

async function pauseBefore(attempt: number, signal: AbortSignal): Promise<void> {
  const milliseconds = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
  await pause(milliseconds, signal);
}
