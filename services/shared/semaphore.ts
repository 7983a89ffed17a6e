// Bounded concurrency with a bounded queue in front of it.
import { ErrorReason, failure } from "./errors.js";
import type { StopSignal } from "./stop-controller.js";

export interface Semaphore {
  /**
   * Resolves when there is a place, in order of arrival; whoever got it calls the given function once to leave. BUSY when the queue is
   * full; rejects with the signal's reason when it is aborted first.
   */
  acquire(signal: StopSignal): Promise<() => void>;
  /** A place that is free at once, as acquire gives it; undefined when there is none. */
  tryAcquire(): (() => void) | undefined;
}

/** `name` stands in BUSY errors. */
export function createSemaphore(name: string, places: number, capacity: number): Semaphore {
  let taken = 0;
  const waiting = new Set<() => void>();

  function leave() {
    taken--;
    const [next] = waiting;
    next?.();
  }

  function wait(signal: StopSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        waiting.delete(enter);
        signal.removeEventListener("abort", abort);
        taken++;
        resolve();
      };
      const abort = () => {
        waiting.delete(enter);
        reject(signal.reason);
      };
      waiting.add(enter);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  function tryAcquire() {
    if (taken >= places) return undefined;
    taken++;
    return leave;
  }

  return {
    tryAcquire,
    async acquire(signal) {
      signal.throwIfAborted();
      const place = tryAcquire();
      if (place) return place;
      if (waiting.size >= capacity) throw busy(name, capacity);
      await wait(signal);
      return leave;
    },
  };
}

function busy(name: string, capacity: number) {
  return failure(ErrorReason.BUSY, `${capacity} ${name} already wait on this host`, {
    metadata: { queue: name, capacity: String(capacity) },
    remedy: "try again later",
  });
}
