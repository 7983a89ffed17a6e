// systems-manager up: the whole path in one process, and this machine as its first host.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { Command } from "commander";
import { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { operationName } from "../shared/operations.js";
import { collectLabel, parseListenAddress } from "./arguments.js";
import { createCloser } from "./closer.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";
import { localPrincipal } from "./fleet-client.js";
import { followRun, printSummary } from "./follow-run.js";
import { startLocalDaemon } from "./local-daemon.js";
import { runUntilSignal } from "./run-until-signal.js";
import { defaultStateDirectory, statePaths } from "./state-directory.js";

interface UpOptions {
  readonly mcp: ListenAddress;
  readonly grpc: ListenAddress;
  readonly relay: ListenAddress;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly fleetId: string;
  readonly daemon: boolean;
  readonly name: string;
  readonly label: Record<string, string>;
  readonly stateDir: string;
}

const loopback = (port: number): ListenAddress => ({ host: "127.0.0.1", port });

export const up = new Command("up")
  .description("run everything in one process and answer for this machine")
  .option("--mcp <address>", "where MCP clients connect", parseListenAddress, loopback(7600))
  .option("--grpc <address>", "where FleetService listens", parseListenAddress, loopback(7601))
  .option("--relay <address>", "where daemons attach", parseListenAddress, loopback(7602))
  .option("--tls-cert <file>", "PEM certificate chain for the relay's address")
  .option("--tls-key <file>", "PEM key of the certificate")
  .option("--fleet-id <id>", "name of the fleet; commands hold for it alone", "default")
  .option("--no-daemon", "do not make this machine a host of the fleet")
  .option("--name <name>", "this machine's name in the fleet", hostname())
  .option("--label <key=value>", "label of this machine; may be repeated", collectLabel, {})
  .option("--state-dir <directory>", "keys, token, journal and results", defaultStateDirectory())
  .action(async (options: UpOptions) => {
    const closer = createCloser();
    try {
      const { stateDir: stateDirectory, tlsCert, tlsKey } = options;
      const tls = tlsCert && tlsKey ? { tls: { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) } } : {};
      const controlPlane = closer.add(await startControlPlane({ ...options, stateDirectory, ...tls }));
      if (options.daemon) {
        closer.add(await startLocalDaemon({ ...options, stateDirectory, controlPlane }));
        await describeThisMachine(controlPlane, options.name);
      }
      printAddresses(controlPlane, options);
      await runUntilSignal(closer.close);
    } catch (error) {
      await closer.close();
      throw error;
    }
  });

async function describeThisMachine(controlPlane: ControlPlane, name: string): Promise<void> {
  const method = operationName(TelemetryService.method.getSystemSnapshot);
  const run = await followRun(controlPlane.fleetFor(localPrincipal).run({ selector: name, method }));
  printSummary(run.summary, false);
}

function printAddresses({ addresses, token }: ControlPlane, { stateDir }: UpOptions): void {
  const paths = statePaths(stateDir);
  console.log(`
MCP      ${addresses.mcp}
         header Authorization: Bearer ${token}
gRPC     ${addresses.grpc}  (the same header)
Daemons  systems-manager daemon --relay ${addresses.relay} --fleet-key ${paths.verifyingKey}
Ask      systems-manager ask list-processes --on all order=memory limit=5
Stop     Ctrl-C`);
}
