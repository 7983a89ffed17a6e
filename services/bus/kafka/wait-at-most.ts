// An end that does not hang on brokers that are away.
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../shared/log.js";

/** Waits for the work no longer than this; its failure, whenever it comes, is logged: at an end there is nobody to tell. */
export async function waitAtMost(
  milliseconds: number,
  what: string,
  work: Promise<unknown>,
  log: Logger,
): Promise<void> {
  const timer = new AbortController();
  const done = work.catch((error: unknown) => log.warn({ err: error }, `${what} failed`)).finally(() => timer.abort());
  const late = sleep(milliseconds, undefined, { signal: timer.signal }).then(
    () => log.warn({ milliseconds }, `${what} takes too long and is left to itself`),
    // Done in time.
    () => undefined,
  );
  await Promise.race([done, late]);
}
