// What `mcp` does; apart from its options, so that other verbs do not load a gateway.
import { hostname } from "node:os";
import { createGateway, type Gateway } from "../gateway/gateway.js";
import { createLogger } from "../shared/log.js";
import { startTracing } from "../tracing/start-tracing.js";
import { readAddresses } from "./addresses.js";
import { openAll } from "./closer.js";
import { startControlPlane } from "./control-plane.js";
import { connectFleet, localPrincipal } from "./fleet-client.js";
import { startLocalDaemon } from "./local-daemon.js";
import { isStateDirectoryLocked } from "./state-directory.js";

export interface McpOptions {
  readonly fleet?: string;
  readonly fleetId: string;
  readonly stateDir: string;
}

interface OpenGateway {
  readonly gateway: Gateway;
  close(): Promise<void>;
}

/** Serves until the client closes its end or a signal comes. */
export async function runMcp(options: McpOptions): Promise<void> {
  const tracing = await startTracing({ part: "mcp", passesOn: true, log: createLogger("mcp") });
  const open = await openGateway(options);
  const connection = open.gateway.serveStdio({ principal: localPrincipal });
  process.once("SIGINT", () => process.stdin.destroy());
  process.once("SIGTERM", () => process.stdin.destroy());
  await connection.closed;
  await connection.close();
  await open.close();
  await tracing.close();
}

/** Says on stderr which control plane it chose. */
async function openGateway({ fleet, fleetId, stateDir }: McpOptions): Promise<OpenGateway> {
  const log = createLogger("mcp");
  const running = (await isStateDirectoryLocked(stateDir)) ? readAddresses(stateDir)?.grpc : undefined;
  const url = fleet ?? running;
  if (url !== undefined) {
    log.info({ url }, "in front of a running control plane");
    const client = connectFleet(url, stateDir);
    return { gateway: createGateway({ fleetFor: () => client }), close: async () => undefined };
  }
  log.info({ stateDir }, "no control plane runs here: starting one for this machine");
  return openOwnControlPlane(fleetId, stateDir);
}

function openOwnControlPlane(fleetId: string, stateDirectory: string): Promise<OpenGateway> {
  const anyPort = { host: "127.0.0.1", port: 0 };
  return openAll(async (closer) => {
    const controlPlane = closer.add(
      await startControlPlane({ fleetId, stateDirectory, grpc: anyPort, relay: anyPort }),
    );
    const relay = controlPlane.addresses.relay as string;
    closer.add(await startLocalDaemon({ controlPlane, relay, fleetId, stateDirectory, name: hostname(), label: {} }));
    return { gateway: controlPlane.gateway, close: closer.close };
  });
}
