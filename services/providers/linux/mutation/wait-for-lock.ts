// Waits a bounded time for whoever else changes packages.
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorReason, hasReason } from "../../../shared/errors.js";

/** How long to wait, and how often to look. */
export interface LockWait {
  readonly waitMs: number;
  readonly retryMs: number;
}

/** The work's result. Work that throws LOCKED has done nothing and is tried again until the time is over. */
export async function waitForLock<Result>(
  { waitMs, retryMs }: LockWait,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!hasReason(error, ErrorReason.LOCKED) || signal.aborted || Date.now() + retryMs > deadline) throw error;
      await sleep(retryMs, undefined, { signal });
    }
  }
}
