// A control plane at work, scraped as Prometheus would: the figures are what was done.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Metrics, startMetrics } from "../../services/metrics/metrics.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { productVersion } from "../../services/shared/version.js";
import { testLog } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";
import { startTracedFleet, type TracedFleet } from "../tracing/traced-fleet.js";
import { type MetricFamily, parseExposition } from "./parse-exposition.js";

const snapshot = "capture_system_snapshot";

let metrics: Metrics;
let fleet: TracedFleet;
let text: string;
let families: ReadonlyMap<string, MetricFamily>;

beforeAll(async () => {
  metrics = await startMetrics({ host: "127.0.0.1", port: 0 }, testLog);
  fleet = await startTracedFleet(metrics);
  const good = await fleet.startHost("good");
  await fleet.startHost("bad", { getSystemSnapshot: async () => Promise.reject(failure(ErrorReason.BUSY, "busy")) });
  const away = await fleet.startHost("away");
  metrics.show({ daemon: good });
  await away.close();
  await waitFor(
    async () => (await scrape()).get('systems_manager_fleet_hosts{state="offline"}') === 1,
    "one host away",
  );
  await fleet.callTool({ name: snapshot, arguments: { selector: "good" } });
  await fleet.callTool({ name: snapshot, arguments: { selector: "good,bad" } });
  await fleet.callTool({ name: snapshot, arguments: { selector: "all" } });
  await fleet.callTool({ name: snapshot, arguments: { selector: "nobody" } });
  await fleet.callTool({ name: "find_hosts", arguments: { selector: "all" } });
  // A caller has its answer before the last of those who carried it has counted it.
  await waitFor(async () => isSettled(await scrape()), "everything counted");
  text = await (await fetch(metrics.url)).text();
  families = parseExposition(text);
});

afterAll(async () => {
  await fleet.close();
  await metrics.close();
});

function isSettled(samples: Map<string, number>): boolean {
  const figure = (name: string) => samples.get(`systems_manager_${name}{}`) ?? 0;
  const lags = [...samples].filter(([series]) => series.startsWith("systems_manager_bus_consumer_lag_messages"));
  const isCarried = figure("bus_delivered_messages_total") >= figure("bus_published_messages_total");
  const isDone =
    figure("relay_waiting_replies") + figure("daemon_running_commands") + figure("fleet_waiting_hosts") === 0;
  return isCarried && isDone && figure("relay_replies_total") >= 5 && lags.every(([, behind]) => behind === 0);
}

async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(metrics.url);
  return samplesOf(parseExposition(await response.text()));
}

function samplesOf(all: ReadonlyMap<string, MetricFamily>): Map<string, number> {
  return new Map([...all.values()].flatMap(({ samples }) => [...samples]));
}

describe("after runs on 1, 2 and 3 hosts, of which one is away and one fails, there is", () => {
  test.each([
    ['fleet_hosts{state="online"}', 2],
    ['fleet_hosts{state="offline"}', 1],
    ["fleet_runs_started_total{}", 3],
    ["fleet_runs_refused_total{}", 0],
    ['fleet_runs_ended_total{end="answered"}', 2],
    ['fleet_runs_ended_total{end="partial"}', 1],
    ['fleet_runs{state="active"}', 0],
    ['fleet_runs{state="queued"}', 0],
    ["fleet_waiting_hosts{}", 0],
    ['fleet_run_hosts_total{state="ok"}', 3],
    ['fleet_run_hosts_total{state="failed"}', 2],
    ['fleet_run_hosts_total{state="no_answer"}', 1],
    ["fleet_commands_sent_total{}", 3],
    ['fleet_replies_total{fate="accounted"}', 5],
    ['fleet_replies_total{fate="duplicate"}', 0],
    ["relay_commands_total{}", 3],
    ["relay_deliveries_total{}", 5],
    ["relay_replies_total{}", 5],
    ["relay_attachments_total{}", 3],
    ["relay_attached_daemons{}", 2],
    ["relay_waiting_replies{}", 0],
    ["daemon_deliveries_total{}", 3],
    ["daemon_replies_total{}", 3],
    ['daemon_deliveries_not_run_total{reason="refused"}', 0],
    ["daemon_attached{}", 1],
    ["daemon_running_commands{}", 0],
    ['bus_refused_messages_total{reason="busy"}', 0],
    ["bus_waiting_messages{}", 0],
    [`gateway_tool_calls_total{outcome="ok",tool="${snapshot}"}`, 3],
    [`gateway_tool_calls_total{outcome="unknown_host",tool="${snapshot}"}`, 1],
    ['gateway_tool_calls_total{outcome="ok",tool="find_hosts"}', 1],
    [`gateway_tool_call_duration_seconds_count{tool="${snapshot}"}`, 4],
    [`build_info{version="${productVersion}"}`, 1],
  ])("%s %d", (series, value) => {
    expect(samplesOf(families).get(`systems_manager_${series}`)).toBe(value);
  });

  test("what the bus carried, and no lag on any topic", () => {
    const samples = samplesOf(families);
    const published = samples.get("systems_manager_bus_published_messages_total{}") ?? 0;
    expect(published).toBeGreaterThanOrEqual(3 + 3 + 4);
    expect(samples.get("systems_manager_bus_delivered_messages_total{}")).toBeGreaterThanOrEqual(published);
    const lag = families.get("systems_manager_bus_consumer_lag_messages")?.samples ?? new Map();
    const topics = [...lag.keys()].map((series) => /topic="(\w+)"/.exec(series)?.[1]);
    expect(new Set(topics)).toEqual(new Set(["commands", "presence", "replies"]));
    expect([...lag.values()].every((behind) => behind === 0)).toBe(true);
  });

  test("every rpc by its code, with as many durations", () => {
    const samples = samplesOf(families);
    const rpc = (code: string) =>
      samples.get(
        `systems_manager_rpcs_total{code="${code}",method="Run",service="systemsmanager.fleet.v1.FleetService"}`,
      );
    expect([rpc("ok"), rpc("not_found")]).toEqual([3, 1]);
    expect(
      samples.get(
        'systems_manager_rpc_duration_seconds_count{method="Run",service="systemsmanager.fleet.v1.FleetService"}',
      ),
    ).toBe(4);
  });
});

test("names follow the conventions of Prometheus", () => {
  const own = [...families].filter(([name]) => name.startsWith("systems_manager_"));
  expect(own.length).toBeGreaterThan(40);
  for (const [name, { type, help }] of own) {
    expect(name).toMatch(/^systems_manager(_[a-z0-9]+)+$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(name, "base units").not.toMatch(/_(milliseconds|ms|kilobytes|kb|minutes|percent)(_|$)/);
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
    expect(help, name).toMatch(/^[A-Z0-9].*\.$/);
  }
});

test("labels are bounded: only known names, and no host, run, principal or made-up id in any value", () => {
  const known = [
    "code",
    "end",
    "fate",
    "group",
    "le",
    "method",
    "outcome",
    "reason",
    "service",
    "state",
    "step",
    "tool",
    "topic",
  ];
  const own = [...samplesOf(families).keys()].filter((series) => series.startsWith("systems_manager_"));
  const names = own.flatMap((series) => [...series.matchAll(/([a-z_]+)="/g)].map(([, name]) => name));
  expect([...new Set(names)].sort()).toEqual([...known, "version"].sort());
  expect(text).not.toMatch(/[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
  expect(text).not.toMatch(/"(good|bad|away|local|test)"/);
});

test("figures follow what happens", async () => {
  const before = (await scrape()).get("systems_manager_fleet_runs_started_total{}");
  await fleet.callTool({ name: snapshot, arguments: { selector: "good" } });
  expect((await scrape()).get("systems_manager_fleet_runs_started_total{}")).toBe((before ?? 0) + 1);
});
