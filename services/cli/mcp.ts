// systems-manager mcp: MCP on the standard streams, in front of a running control plane or of one of its own.
import { hostname } from "node:os";
import { Command } from "commander";
import { createGateway, type Gateway } from "../gateway/gateway.js";
import { createLogger } from "../shared/log.js";
import { readAddresses } from "./addresses.js";
import { createCloser } from "./closer.js";
import { startControlPlane } from "./control-plane.js";
import { connectFleet, localPrincipal } from "./fleet-client.js";
import { startLocalDaemon } from "./local-daemon.js";
import { defaultStateDirectory, isStateDirectoryLocked } from "./state-directory.js";

interface McpOptions {
  readonly fleet?: string;
  readonly fleetId: string;
  readonly stateDir: string;
}

interface OpenGateway {
  readonly gateway: Gateway;
  close(): Promise<void>;
}

export const mcp = new Command("mcp")
  .description("serve MCP on stdin and stdout")
  .option("--fleet <url>", "control plane to stand in front of; default: the one on this machine, else one of its own")
  .option("--fleet-id <id>", "name of its own fleet", "default")
  .option(
    "--state-dir <directory>",
    "where the token lies, or the state of its own control plane",
    defaultStateDirectory(),
  )
  .action(async (options: McpOptions) => {
    const open = await openGateway(options);
    const connection = open.gateway.serveStdio({ principal: localPrincipal });
    process.once("SIGINT", () => process.stdin.destroy());
    process.once("SIGTERM", () => process.stdin.destroy());
    await connection.closed;
    await connection.close();
    await open.close();
  });

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

async function openOwnControlPlane(fleetId: string, stateDirectory: string): Promise<OpenGateway> {
  const closer = createCloser();
  const anyPort = { host: "127.0.0.1", port: 0 };
  const controlPlane = closer.add(await startControlPlane({ fleetId, stateDirectory, grpc: anyPort, relay: anyPort }));
  closer.add(await startLocalDaemon({ controlPlane, fleetId, stateDirectory, name: hostname(), label: {} }));
  return { gateway: controlPlane.gateway, close: closer.close };
}
