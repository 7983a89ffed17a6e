// Whatever a part counts is shown: each of its numbers gets a value of its own, and all values must turn up in the scrape.
import { expect, test } from "vitest";
import type { BusCounters, BusGauges } from "../../services/bus/bus.js";
import { createDaemonCounters, type DaemonGauges } from "../../services/daemon/daemon-counters.js";
import { createEmulatorCounters } from "../../services/emulator/emulator-counters.js";
import { type FleetGauges, newFleetCounters } from "../../services/fleet/fleet-counters.js";
import { busMetrics } from "../../services/metrics/bus-metrics.js";
import { daemonMetrics, emulatorMetrics } from "../../services/metrics/daemon-metrics.js";
import { fleetMetrics } from "../../services/metrics/fleet-metrics.js";
import { createMetricRegistry } from "../../services/metrics/metric-registry.js";
import type { MetricTable } from "../../services/metrics/metric-table.js";
import { relayMetrics } from "../../services/metrics/relay-metrics.js";
import { createRelayCounters } from "../../services/relay/relay-counters.js";
import type { RelayGauges } from "../../services/relay/relay-gauges.js";
import { parseExposition } from "./parse-exposition.js";

const busNumbers = {
  published: 0,
  refusedBusy: 0,
  refusedTooLarge: 0,
  delivered: 0,
  rejected: 0,
  expired: 0,
  resubscribed: 0,
  waiting: { messages: 0, bytes: 0 },
  subscriptions: [
    { topic: "commands", group: "a", behind: 0 },
    { topic: "replies", group: "a", behind: 0 },
  ],
} satisfies BusCounters & BusGauges;
const fleetGauges = {
  active: 0,
  queued: 0,
  queuedHosts: 0,
  hostsOnline: 0,
  hostsOffline: 0,
  rollouts: { preparing: 0, sending: 0, waiting: 0, pausing: 0, checking: 0, halted: 0 },
} satisfies FleetGauges;
const relayGauges = {
  attached: 0,
  queuedBytes: 0,
  greatestQueuedBytes: 0,
  waitingReplies: 0,
  waitingReplyBytes: 0,
  pendingPresence: 0,
} satisfies RelayGauges;
const daemonGauges = {
  attached: true,
  runningCommands: 0,
  waitingReplies: 0,
  waitingReplyBytes: 0,
} satisfies DaemonGauges;

test.each<[string, MetricTable<never>, object]>([
  ["bus", busMetrics, busNumbers],
  ["fleet", fleetMetrics, { ...newFleetCounters(), ...fleetGauges }],
  ["relay", relayMetrics, { ...createRelayCounters(), ...relayGauges }],
  ["daemon", daemonMetrics, { ...createDaemonCounters(), ...daemonGauges }],
  ["emulator", emulatorMetrics, createEmulatorCounters()],
])("every number of the %s is shown", async (_, table, zeros) => {
  const given: number[] = [];
  const snapshot = mapNumbers(zeros, () => {
    given.push(1000 + given.length);
    return 999 + given.length;
  });
  const registry = createMetricRegistry();
  registry.show(table, () => snapshot as never);
  const families = [...parseExposition(await registry.scrape())];
  const own = families.filter(([name]) => name.startsWith("systems_manager_"));
  const shown = own.flatMap(([, { samples }]) => [...samples.values()]);
  expect(shown.filter((value) => value >= 1000).sort()).toEqual(given);
});

test("groups whose names are made up at each start show as one", async () => {
  const registry = createMetricRegistry();
  const random = ["6f1c7a52-0b8e-4a0a-9a66-0d6f3a1f2b11", "7f1c7a52-0b8e-4a0a-9a66-0d6f3a1f2b12"];
  const groups = [...random.map((id) => `default.relay.relay-${id}`), "default.relay.relay-1"];
  const subscriptions = groups.map((group, index) => ({ topic: "commands" as const, group, behind: 10 ** index }));
  registry.show(busMetrics, () => ({ ...busNumbers, subscriptions }));
  const lag = parseExposition(await registry.scrape()).get("systems_manager_bus_consumer_lag_messages");
  expect(Object.fromEntries(lag?.samples ?? [])).toEqual({
    'systems_manager_bus_consumer_lag_messages{group="default.relay.relay-*",topic="commands"}': 11,
    'systems_manager_bus_consumer_lag_messages{group="default.relay.relay-1",topic="commands"}': 100,
  });
});

function mapNumbers(value: unknown, next: () => number): unknown {
  if (typeof value === "number") return next();
  if (Array.isArray(value)) return value.map((each) => mapNumbers(each, next));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapNumbers(each, next)]));
}
