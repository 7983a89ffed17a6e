// Publishing to a bus that may be full or away for a while.
import type { Bus, OutgoingMessage, Topic } from "../bus/bus.js";
import { backoffMs } from "../shared/backoff.js";
import { ErrorReason, hasReason } from "../shared/errors.js";
import { pause } from "../shared/pause.js";

const backoff = { firstMs: 50, longestMs: 1_000 };

/** True when the bus may take later what it does not take now. */
export function isPassing(error: unknown): boolean {
  return hasReason(error, ErrorReason.BUSY) || hasReason(error, ErrorReason.UNREACHABLE);
}

/** Publishes, again and again for so long when the bus is full or away. Rejects with what the bus said last; a signal ends the patience. */
export async function publishPatiently(
  bus: Bus,
  topic: Topic,
  message: OutgoingMessage,
  patienceMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let attempt = 1; ; attempt++) {
    try {
      await bus.publish(topic, message);
      return;
    } catch (error) {
      const pauseMs = backoffMs(attempt, backoff);
      if (!isPassing(error) || signal.aborted || performance.now() + pauseMs > deadline) throw error;
      await pause(pauseMs, signal);
    }
  }
}
