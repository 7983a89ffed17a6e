// Beginnings wait for a cluster that is changing: a broker that has just gone leads partitions and groups until the others have noticed,
// which takes them some ten seconds.
import { backoffMs } from "../../shared/backoff.js";
import { ErrorReason, hasReason } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import { pause } from "../../shared/pause.js";
import { kafkaFailure } from "./kafka-errors.js";

export interface UntilReachableOptions {
  /** For messages and logs: "opening the bus". */
  readonly what: string;
  readonly brokers: readonly string[];
  /** By performance.now(). */
  readonly deadline: number;
  /** Aborted to try no more. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** How long a beginning waits when nothing else was said. */
export const defaultOpenPatienceMs = 30_000;

/** Pauses between attempts to begin, at first and again. */
export const openBackoff = { firstMs: 200, longestMs: 3_000 };

/** Attempts again while brokers cannot be reached. Throws what the last attempt failed with, and at once what waiting does not mend. */
export async function untilReachable<Result>(
  { what, brokers, deadline, signal, log }: UntilReachableOptions,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (cause) {
      const error = kafkaFailure(what, brokers, cause);
      const isOver = signal.aborted || performance.now() > deadline;
      if (isOver || !hasReason(error, ErrorReason.UNREACHABLE)) throw error;
      log.warn({ err: error }, "brokers cannot be reached yet");
    }
    await pause(backoffMs(failures, openBackoff), signal);
  }
}
