// What `up` does; apart from its options, so that other verbs do not load a whole control plane.
import { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { operationName } from "../shared/operations.js";
import { openAll } from "./closer.js";
import { commandName } from "./command-name.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";
import { localPrincipal } from "./fleet-client.js";
import { followRun, printSummary } from "./follow-run.js";
import { startLocalDaemon } from "./local-daemon.js";
import { runUntilSignal } from "./run-until-signal.js";
import { statePaths } from "./state-directory.js";
import { type TlsOptions, tlsOf } from "./tls-options.js";

export interface UpOptions extends TlsOptions {
  readonly mcp: ListenAddress;
  readonly grpc: ListenAddress;
  readonly relay: ListenAddress;
  readonly bus?: ListenAddress;
  readonly fleetId: string;
  readonly daemon: boolean;
  readonly name: string;
  readonly label: Record<string, string>;
  readonly stateDir: string;
}

/** Starts everything, prints what this machine says of itself and where to connect, and runs until a signal. */
export function runUp(options: UpOptions): Promise<void> {
  const stateDirectory = options.stateDir;
  return openAll(async (closer) => {
    const controlPlane = closer.add(await startControlPlane({ ...options, stateDirectory, ...tlsOf(options) }));
    if (options.daemon) {
      closer.add(await startLocalDaemon({ ...options, stateDirectory, controlPlane }));
      await describeThisMachine(controlPlane, options.name);
    }
    printAddresses(controlPlane, options);
    await runUntilSignal(closer.close);
  });
}

async function describeThisMachine(controlPlane: ControlPlane, name: string): Promise<void> {
  const method = operationName(TelemetryService.method.getSystemSnapshot);
  const run = await followRun(controlPlane.fleetFor(localPrincipal).run({ selector: name, method }));
  printSummary(run.summary, false);
}

function printAddresses({ addresses, token }: ControlPlane, { stateDir }: UpOptions): void {
  const paths = statePaths(stateDir);
  const command = commandName();
  const relays = addresses.bus
    ? `Relays   ${command} relay --bus ${addresses.bus} --bus-token ${paths.relayToken} --listen ADDRESS\n`
    : "";
  console.log(`
MCP      ${addresses.mcp}
         header Authorization: Bearer ${token}
gRPC     ${addresses.grpc}  (the same header)
Daemons  ${command} daemon --relay ${addresses.relay} --fleet-key ${paths.verifyingKey}
${relays}Ask      ${command} ask list-processes --on all order=memory limit=5
Stop     Ctrl-C`);
}
