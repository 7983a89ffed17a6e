// The bus of a relay, which may start before its brokers do: like a daemon without a relay it keeps trying, and says why.
import type { Bus } from "../bus/bus.js";
import { type OpenBusOptions, openBus } from "../bus/open-bus.js";
import { backoffMs } from "../shared/backoff.js";
import { ErrorReason, hasReason } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { pause } from "../shared/pause.js";

const backoff = { firstMs: 500, longestMs: 3_000 };

/**
 * Resolves when the bus is open, undefined when the signal aborts before that. Throws what waiting does not mend: wrong credentials,
 * missing rights, settings that do not do.
 */
export async function openBusPatiently(
  options: OpenBusOptions,
  log: Logger,
  signal: AbortSignal,
): Promise<Bus | undefined> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return await openBus(options);
    } catch (error) {
      if (!hasReason(error, ErrorReason.UNREACHABLE)) throw error;
      log.warn({ err: error }, "the bus cannot be reached; trying again");
    }
    await pause(backoffMs(attempt, backoff), signal);
  }
  return undefined;
}
