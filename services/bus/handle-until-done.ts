// How a message is handed to a subscriber's handler, the same wherever a bus keeps its messages.
import { pause } from "../shared/pause.js";
import type { IncomingMessage, MessageHandler, OutgoingMessage } from "./bus.js";

/** What deliveries count. */
export interface DeliveryCounters {
  delivered: number;
  rejected: number;
  expired: number;
}

/** A subscriber as deliveries see it. */
export interface DeliveryOwner {
  readonly handler: MessageHandler;
  readonly maxInFlight: number;
  /** Aborted when it closes: it then gets no further calls. */
  readonly signal: AbortSignal;
  /** Messages that were skipped for it because they had expired. */
  expired: number;
}

const firstPauseMs = 10;
const longestPauseMs = 1_000;

/** Calls the handler until it resolves or the message expires. False when the owner closed before. */
export async function handleUntilDone(
  message: Omit<IncomingMessage, "attempt">,
  owner: DeliveryOwner,
  counters: DeliveryCounters,
): Promise<boolean> {
  for (let attempt = 1; !owner.signal.aborted; attempt++) {
    try {
      await owner.handler({ ...message, attempt });
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
    await pause(Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)), owner.signal);
  }
  return false;
}

/** True when no subscriber needs it any more. */
export function hasExpired({ expiresAtMs }: Pick<OutgoingMessage, "expiresAtMs">): boolean {
  return (expiresAtMs ?? Number.POSITIVE_INFINITY) <= Date.now();
}

/** One more was skipped. */
export function countExpired(owner: DeliveryOwner, counters: DeliveryCounters): void {
  owner.expired++;
  counters.expired++;
}
