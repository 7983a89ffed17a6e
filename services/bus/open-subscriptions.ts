// The subscriptions that are open on one bus object: each has a gauge, and all of them end with the bus.
import type { Subscription, SubscriptionGauge } from "./bus.js";

export interface OpenSubscriptions {
  /** The same subscription, on the list until it is closed. `measure` says how far it is behind. */
  add(subscription: Subscription, measure: () => SubscriptionGauge): Subscription;
  gauges(): SubscriptionGauge[];
  /** Resolves when no handler of any of them runs any more. */
  closeAll(): Promise<void>;
}

export function createOpenSubscriptions(): OpenSubscriptions {
  const gauges = new Map<Subscription, () => SubscriptionGauge>();
  return {
    add({ caughtUp, expired, close }, measure) {
      const listed: Subscription = {
        caughtUp,
        expired,
        async close() {
          gauges.delete(listed);
          await close();
        },
      };
      gauges.set(listed, measure);
      return listed;
    },
    gauges: () => [...gauges.values()].map((measure) => measure()),
    async closeAll() {
      await Promise.all([...gauges.keys()].map((subscription) => subscription.close()));
    },
  };
}
