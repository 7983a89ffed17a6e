// Of the bus: what went through it, what waits, and how far subscriptions are behind.
import type { Bus, BusCounters, BusGauges, SubscriptionGauge } from "../bus/bus.js";
import { type MetricTable, rowsOf, type Sample, samplesBy } from "./metric-table.js";

type Snapshot = BusCounters & BusGauges;

const { counter, counterBy, gauge, gaugeBy } = rowsOf<Snapshot>("bus");

export const busMetrics: MetricTable<Snapshot> = [
  counter("published_messages_total", "Messages published.", (bus) => bus.published),
  counterBy("refused_messages_total", "Messages that were not taken, by reason.", ["reason"], (bus) =>
    samplesBy("reason", { busy: bus.refusedBusy, too_large: bus.refusedTooLarge }),
  ),
  counter("delivered_messages_total", "Messages whose handler was done with them.", (bus) => bus.delivered),
  counter(
    "rejected_deliveries_total",
    "Deliveries that their handler rejected; each comes again.",
    (bus) => bus.rejected,
  ),
  counter("expired_messages_total", "Messages skipped because they had expired.", (bus) => bus.expired),
  counter("resubscriptions_total", "Subscriptions that were cut off and opened again.", (bus) => bus.resubscribed),
  gauge("waiting_messages", "Published messages that are not durable yet.", (bus) => bus.waiting.messages),
  gauge("waiting_bytes", "Bytes of published messages that are not durable yet.", (bus) => bus.waiting.bytes),
  gaugeBy("consumer_lag_messages", "Messages not handled yet, by topic and group.", ["topic", "group"], (bus) =>
    lagOf(bus.subscriptions),
  ),
];

/** What a scrape reads of a bus. */
export function readBus(bus: Bus): Snapshot {
  return { ...bus.counters(), ...bus.gauges() };
}

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

// Groups whose name is made up anew at each start show as one, or every restart would leave another series behind.
function lagOf(subscriptions: readonly SubscriptionGauge[]): Sample[] {
  const lags = new Map<string, { labels: { topic: string; group: string }; value: number }>();
  for (const { topic, group: full, behind } of subscriptions) {
    const group = full.replace(uuid, "*");
    const key = `${topic} ${group}`;
    const sample = lags.get(key) ?? { labels: { topic, group }, value: 0 };
    lags.set(key, { ...sample, value: sample.value + behind });
  }
  return [...lags.values()];
}
