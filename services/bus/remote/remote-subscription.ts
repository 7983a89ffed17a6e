// A subscription that outlives its streams: when one is cut it opens the next, after its handlers have ended, so that never
// more of them run than were asked for. What they could not acknowledge any more comes again.
import { backoffMs } from "../../shared/backoff.js";
import type { Logger } from "../../shared/log.js";
import { pause } from "../../shared/pause.js";
import type { Subscription } from "../bus.js";
import {
  openSubscriptionStream,
  type SubscriptionCounters,
  type SubscriptionStream,
  type SubscriptionStreamOptions,
} from "./subscription-stream.js";

export interface RemoteSubscriptionOptions
  extends Omit<SubscriptionStreamOptions, "signal" | "onExpired" | "onCaughtUp"> {
  readonly counters: SubscriptionCounters & { resubscribed: number };
  readonly onSubscribed: (busId: string) => void;
  /** Aborted when the bus closes. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

const backoff = { firstMs: 100, longestMs: 5_000 };

export interface RemoteSubscription extends Subscription {
  /** Messages with the handler. */
  inHandler(): number;
}

/** Resolves when messages flow. Throws what the server refused the subscription for. */
export async function openRemoteSubscription(options: RemoteSubscriptionOptions): Promise<RemoteSubscription> {
  const { wanted, counters, log } = options;
  const own = new AbortController();
  const signal = AbortSignal.any([own.signal, options.closing]);
  let expired = 0;
  let onCaughtUp: () => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => (onCaughtUp = resolve));

  function onExpired(messages: number) {
    expired += messages;
    counters.expired += messages;
  }

  async function open(): Promise<SubscriptionStream> {
    const stream = await openSubscriptionStream({ ...options, signal, onExpired, onCaughtUp });
    options.onSubscribed(stream.busId);
    return stream;
  }

  async function reopen(): Promise<SubscriptionStream | undefined> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      // Closing ends the pause early, and then the loop.
      await pause(backoffMs(attempt, backoff), signal);
      try {
        return await open();
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, topic: wanted.topic }, "not subscribed");
      }
    }
    return undefined;
  }

  async function keepOpen(): Promise<void> {
    while (current) {
      const reason = await current.ended;
      if (signal.aborted) return;
      counters.resubscribed++;
      log.warn({ err: reason, topic: wanted.topic }, "subscription cut");
      current = await reopen();
      // It was closed just then.
      if (signal.aborted) await current?.finish();
    }
  }

  let current: SubscriptionStream | undefined = await open();
  const kept = keepOpen();
  return {
    caughtUp,
    expired: () => expired,
    inHandler: () => current?.inHandler() ?? 0,
    async close() {
      own.abort();
      await current?.finish();
      await kept;
      onCaughtUp();
    },
  };
}
