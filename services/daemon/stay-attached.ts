// Keeps the daemon attached to one of its relays until it is closed.

import { backoffMs } from "../shared/backoff.js";
import type { Logger } from "../shared/log.js";
import { pause } from "../shared/pause.js";
import { type BackoffOptions, shuffle } from "./backoff.js";
import type { RelayConnection } from "./relay-connection.js";

export interface StayAttachedOptions {
  readonly relayUrls: readonly string[];
  /** Resolves at the relay's welcome. */
  readonly connect: (url: string, signal: AbortSignal) => Promise<RelayConnection>;
  /** The connection in use; undefined when it is gone. */
  readonly onConnection: (connection: RelayConnection | undefined) => void;
  readonly backoff: BackoffOptions;
  readonly log: Logger;
}

export interface Attacher {
  /** Ends the connection and dials no more. */
  close(): Promise<void>;
}

/** Dials at once, and again whenever the connection is gone. */
export function stayAttached(options: StayAttachedOptions): Attacher {
  const { relayUrls, backoff, log } = options;
  const closing = new AbortController();
  let current: RelayConnection | undefined;
  let lost: string | undefined;

  async function stayConnected() {
    for (let attempt = 1; !closing.signal.aborted; attempt++) {
      const lastedMs = await connectAny();
      if (lastedMs >= backoff.stableMs) attempt = 1;
      // Closing ends the pause early, and then the loop.
      await pause(backoffMs(attempt, backoff), closing.signal);
    }
  }

  // Dials every relay once, in random order but the one that was just lost last, until one takes the daemon. Resolves when that
  // connection is gone, with how long it lasted.
  async function connectAny(): Promise<number> {
    for (const url of relaysInOrder()) {
      if (closing.signal.aborted) break;
      try {
        current = await options.connect(url, closing.signal);
      } catch (error) {
        log.warn({ err: error, url }, "not attached");
        continue;
      }
      return useUntilClosed(current, url);
    }
    return 0;
  }

  function relaysInOrder(): string[] {
    const urls = shuffle(relayUrls);
    return [...urls.filter((url) => url !== lost), ...urls.filter((url) => url === lost)];
  }

  async function useUntilClosed(connection: RelayConnection, url: string): Promise<number> {
    const since = performance.now();
    log.info({ url, relayId: connection.relayId }, "attached");
    options.onConnection(connection);
    if (closing.signal.aborted) connection.end();
    const reason = await connection.closed;
    current = undefined;
    lost = url;
    options.onConnection(undefined);
    log.info({ url, err: reason }, "detached");
    return performance.now() - since;
  }

  const done = stayConnected();
  return {
    async close() {
      closing.abort();
      current?.end();
      await done;
    },
  };
}
