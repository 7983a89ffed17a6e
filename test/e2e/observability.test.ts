// Control plane, relay and daemon as processes of their own, watched as operators do: scraped, and traced by a collector.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { bearer } from "../../services/shared/bearer.js";
import { parseExposition } from "../metrics/parse-exposition.js";
import { notYetKnown } from "../shared/not-yet-known.js";
import { waitFor } from "../shared/wait-for.js";
import { type OtlpReceiver, startOtlpReceiver } from "../tracing/otlp-receiver.js";
import { type CommandProcess, relayUrlOf, startCommand, waitForOutput } from "./command-process.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const metricsOption = ["--metrics", "127.0.0.1:0"];

let receiver: OtlpReceiver;
let controlPlane: ControlPlane;
let relay: CommandProcess;
let daemon: CommandProcess;
let daemonDirectory: string;

beforeAll(async () => {
  daemonDirectory = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
  receiver = await startOtlpReceiver();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.url;
  process.env.OTEL_BSP_SCHEDULE_DELAY = "100";
  controlPlane = await startControlPlane("127.0.0.1", ["--no-daemon", "--bus", "127.0.0.1:0", ...metricsOption]);
  const { stateDirectory, addresses } = controlPlane;
  const bus = ["--bus", addresses.bus as string, "--bus-token", join(stateDirectory, "relay.token")];
  relay = startCommand(["relay", ...bus, "--listen", "127.0.0.1:0", ...metricsOption]);
  const relayUrl = await relayUrlOf(relay);
  const trust = ["--fleet-key", join(stateDirectory, "fleet.pub"), "--state-dir", daemonDirectory];
  daemon = startCommand(["daemon", "--relay", relayUrl, ...trust, ...metricsOption]);
  await waitForOutput(relay, "host attached");
});

afterAll(async () => {
  await daemon?.stop("SIGTERM");
  await relay?.stop("SIGTERM");
  await controlPlane?.[Symbol.asyncDispose]();
  await receiver?.close();
  await rm(daemonDirectory, { recursive: true, force: true });
});

function fleetClient({ addresses, token }: ControlPlane) {
  const transport = createGrpcTransport({ baseUrl: addresses.grpc, interceptors: [bearer(token)] });
  return createClient(FleetService, transport);
}

test("one question is one trace through all three processes", async () => {
  const client = fleetClient(controlPlane);
  const isOnline = async () => (await client.findHosts({ selector: "all" })).onlineCount === 1;
  await waitFor(() => isOnline().catch(notYetKnown), "the host online");
  const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  const method = "systemsmanager.telemetry.v1.TelemetryService/GetSystemSnapshot";
  for await (const _ of client.run({ selector: "all", method }, { headers }));
  const ofTrace = () => receiver.spans.filter((span) => span.traceId === traceId);
  const pathNow = () => {
    const byId = new Map(ofTrace().map((span) => [span.spanId, span]));
    const path: string[] = [];
    let at = ofTrace().find(({ name }) => name === "GetSystemSnapshot");
    for (; at; at = byId.get(at.parentSpanId ?? "")) path.push(`${at.service}: ${at.name}`);
    return path;
  };
  await waitFor(() => pathNow().length >= 4, "four spans, each below the next");
  expect(pathNow()).toEqual([
    "systems-manager-daemon: GetSystemSnapshot",
    "systems-manager-relay: deliver command",
    "systems-manager-up: run GetSystemSnapshot",
    "systems-manager-up: systemsmanager.fleet.v1.FleetService/Run",
  ]);
});

test.each([
  ["control plane", () => controlPlane.output(), "systems_manager_fleet_runs_started_total"],
  ["relay", () => relay.output(), "systems_manager_relay_deliveries_total"],
  ["daemon", () => daemon.output(), "systems_manager_daemon_deliveries_total"],
])("the %s can be scraped where its log says", async (_, output, counter) => {
  const line = output()
    .split("\n")
    .find((each) => each.includes("metrics can be scraped"));
  const families = parseExposition(await (await fetch(JSON.parse(line ?? "{}").url)).text());
  expect(families.get(counter)?.samples.get(`${counter}{}`)).toBe(1);
  expect(families.has("process_resident_memory_bytes")).toBe(true);
});

test("what was not sent yet is sent at the end", async () => {
  await fleetClient(controlPlane).findHosts(
    { selector: "all" },
    { headers: { traceparent: `00-${traceId}-00ad6b7169203331-01` } },
  );
  await controlPlane.stop();
  expect(receiver.spans.filter(({ parentSpanId }) => parentSpanId === "00ad6b7169203331")).toHaveLength(1);
});

test("a collector that is away is warned of, and holds up nothing but the end, for three seconds", async () => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:1";
  await using lonely = await startControlPlane("127.0.0.1", ["--no-daemon"]);
  await fleetClient(lonely).findHosts({ selector: "all" }).catch(notYetKnown);
  const started = performance.now();
  expect(await lonely.stop()).toBe(0);
  expect(performance.now() - started).toBeLessThan(8_000);
  expect(lonely.output()).toMatch(/spans may be missing|spans were not exported/);
});
