// What `up` does; apart from its options, so that other verbs do not load a whole control plane.
import { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { Metrics } from "../metrics/metrics.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { createLogger } from "../shared/log.js";
import { operationName } from "../shared/operations.js";
import { startTracing } from "../tracing/start-tracing.js";
import { openAll } from "./closer.js";
import { commandName } from "./command-name.js";
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "./control-plane.js";
import { localPrincipal } from "./fleet-client.js";
import { followRun, printSummary } from "./follow-run.js";
import { type KafkaOptions, kafkaBusOf } from "./kafka-options.js";
import { startLocalDaemon } from "./local-daemon.js";
import { type MetricsOption, openMetrics } from "./metrics-option.js";
import { runUntilSignal } from "./run-until-signal.js";
import { statePaths } from "./state-directory.js";
import { type TlsOptions, tlsOf } from "./tls-options.js";

export interface UpOptions extends TlsOptions, KafkaOptions, MetricsOption {
  readonly mcp: ListenAddress;
  readonly grpc: ListenAddress;
  /** False with --no-relay. */
  readonly relay: ListenAddress | false;
  readonly bus?: ListenAddress;
  readonly instance?: number;
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
    if (options.daemon && !options.relay) throw noRelayForDaemon();
    const log = createLogger("up");
    closer.add(await startTracing({ part: "up", passesOn: true, log }));
    const metrics = await openMetrics(options, closer, log);
    const controlPlane = closer.add(await startControlPlane(controlPlaneOptions(options, metrics)));
    if (options.daemon) {
      const relay = controlPlane.addresses.relay as string;
      closer.add(await startLocalDaemon({ ...options, stateDirectory, controlPlane, relay, metrics }));
      await describeThisMachine(controlPlane, options.name);
    }
    printAddresses(controlPlane, options);
    await runUntilSignal(closer.close);
  });
}

function controlPlaneOptions(options: UpOptions, metrics: Metrics | undefined): ControlPlaneOptions {
  const { relay, stateDir: stateDirectory, fleetId, metrics: _address, ...others } = options;
  const kafka = kafkaBusOf(options, fleetId, createLogger("bus"));
  return {
    ...others,
    fleetId,
    stateDirectory,
    ...tlsOf(options),
    ...(relay ? { relay } : {}),
    ...(kafka ? { openBus: kafka } : {}),
    ...(metrics ? { metrics } : {}),
  };
}

async function describeThisMachine(controlPlane: ControlPlane, name: string): Promise<void> {
  const method = operationName(TelemetryService.method.getSystemSnapshot);
  const run = await followRun(controlPlane.fleetFor(localPrincipal).run({ selector: name, method }));
  printSummary(run.summary, false);
}

function noRelayForDaemon() {
  return failure(ErrorReason.INVALID_ARGUMENT, "--no-relay leaves this machine's own daemon nowhere to attach", {
    metadata: { field: "--no-relay" },
    remedy: "add --no-daemon, and run `daemon --relay URL` if this machine is to be a host",
  });
}

function printAddresses({ addresses, token }: ControlPlane, { stateDir }: UpOptions): void {
  const paths = statePaths(stateDir);
  const command = commandName();
  const daemons = addresses.relay
    ? `Daemons  ${command} daemon --relay ${addresses.relay} --fleet-key ${paths.verifyingKey}\n`
    : "";
  const relays = addresses.bus
    ? `Relays   ${command} relay --bus ${addresses.bus} --bus-token ${paths.relayToken} --listen ADDRESS\n`
    : "";
  console.log(`
MCP      ${addresses.mcp}
         header Authorization: Bearer ${token}
gRPC     ${addresses.grpc}  (the same header)
${daemons}${relays}Ask      ${command} ask list-processes --on all order=memory limit=5
Stop     Ctrl-C`);
}
