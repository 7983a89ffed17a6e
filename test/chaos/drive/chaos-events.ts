// What clients see, as it happens, for faults that wait for it.
import type { ChaosEvent } from "../schedule/schedule.js";

export interface ChaosEvents {
  emit(event: ChaosEvent): void;
  /** Resolves at the n-th event of this kind since the epoch began; false when the signal aborts before. */
  reached(event: ChaosEvent, count: number, signal: AbortSignal): Promise<boolean>;
}

/** None has happened yet. */
export function createChaosEvents(): ChaosEvents {
  const counts = new Map<ChaosEvent, number>();
  const waiting = new Set<() => void>();
  return {
    emit(event) {
      counts.set(event, (counts.get(event) ?? 0) + 1);
      for (const look of [...waiting]) look();
    },
    reached(event, count, signal) {
      return new Promise((resolve) => {
        const look = () => {
          const isReached = (counts.get(event) ?? 0) >= count;
          if (!isReached && !signal.aborted) return;
          waiting.delete(look);
          signal.removeEventListener("abort", look);
          resolve(isReached);
        };
        waiting.add(look);
        signal.addEventListener("abort", look);
        look();
      });
    },
  };
}
