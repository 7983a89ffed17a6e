// A whole control plane with real daemons on simulated providers, over real loopback HTTP, called by a real MCP client; it notes
// what trace context reaches the hosts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { type ControlPlane, startControlPlane } from "../../services/cli/control-plane.js";
import { connectRelay } from "../../services/daemon/relay-connection.js";
import { type Daemon, startDaemon } from "../../services/daemon/start-daemon.js";
import type { Metrics } from "../../services/metrics/metrics.js";
import { type SimulatedHandlers, simulatedProvider } from "../daemon/simulated-provider.js";
import { quickBackoff, testLog } from "../daemon/test-path.js";
import { connectModern } from "../gateway/clients.js";
import { notYetKnown } from "../shared/not-yet-known.js";
import { waitFor } from "../shared/wait-for.js";

const fleetId = "traced";
process.env.SYSTEMS_MANAGER_LOG ??= "silent";

const anyPort = { host: "127.0.0.1", port: 0 };

export interface TracedFleet {
  readonly controlPlane: ControlPlane;
  /** Trace contexts as they reached the hosts, in order of arrival. */
  readonly delivered: Record<string, string>[];
  /** Attached when it resolves. */
  startHost(name: string, handlers?: SimulatedHandlers): Promise<Daemon>;
  /** Calls a tool with this `_meta`, over HTTP with these headers. */
  callTool(call: ToolCall): ReturnType<Client["callTool"]>;
  close(): Promise<void>;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
  readonly meta?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

export async function startTracedFleet(metrics?: Metrics): Promise<TracedFleet> {
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-tracing-"));
  const stateDirectory = join(directory, "fleet");
  const addresses = { grpc: anyPort, relay: anyPort, mcp: anyPort };
  const controlPlane = await startControlPlane({
    fleetId,
    stateDirectory,
    ...addresses,
    ...(metrics ? { metrics } : {}),
  });
  const daemons: Daemon[] = [];
  const delivered: Record<string, string>[] = [];

  return {
    controlPlane,
    delivered,
    async startHost(name, handlers = {}) {
      const daemon = await startDaemon({
        provider: simulatedProvider(name, handlers),
        relayUrls: [controlPlane.addresses.relay as string],
        fleetId,
        verifyingKey: controlPlane.verifyingKey,
        stateDirectory: join(directory, name),
        name,
        log: testLog,
        backoff: quickBackoff,
        connect: (options) =>
          connectRelay({
            ...options,
            onDelivery: (delivery) => {
              delivered.push({ ...delivery.traceContext });
              options.onDelivery(delivery);
            },
          }),
      });
      daemons.push(daemon);
      const fleet = controlPlane.fleetFor({ name: "test" });
      const isOnline = async () => {
        const { hosts } = await fleet.findHosts({ selector: "all" });
        return hosts.some((host) => host.online && host.facts?.name === name);
      };
      await waitFor(() => isOnline().catch(notYetKnown), `host ${name}`);
      return daemon;
    },
    async callTool({ name, arguments: given, meta, headers = {} }) {
      const client = await connectModern(controlPlane.addresses.mcp as string, { token: controlPlane.token, headers });
      try {
        return await client.callTool({ name, arguments: given, ...(meta ? { _meta: meta } : {}) });
      } finally {
        await client.close();
      }
    },
    async close() {
      await Promise.all(daemons.map((daemon) => daemon.close()));
      await controlPlane.close();
      rmSync(directory, { recursive: true });
    },
  };
}
