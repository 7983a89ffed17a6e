// What `daemon` does; apart from its options, so that other verbs do not load a provider.
import { startDaemon } from "../daemon/start-daemon.js";
import { loadOrCreateToken } from "../identity/principal.js";
import { verifyingKeyFromPem } from "../identity/signing-key.js";
import { getOSProvider } from "../providers/get-os-provider.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { createLogger } from "../shared/log.js";
import { startTracing } from "../tracing/start-tracing.js";
import { traceRpcs } from "../tracing/trace-rpcs.js";
import { openAll } from "./closer.js";
import { type MetricsOption, openMetrics } from "./metrics-option.js";
import { readOptionFile } from "./option-file.js";
import { runUntilSignal } from "./run-until-signal.js";
import { lockStateDirectory, statePaths } from "./state-directory.js";

export interface DaemonOptions extends MetricsOption {
  readonly relay: string[];
  readonly fleetKey: string;
  readonly fleetId: string;
  readonly name?: string;
  readonly label: Record<string, string>;
  readonly listen?: ListenAddress;
  readonly relayCa?: string;
  readonly stateDir: string;
}

/** Attaches this host and runs until a signal. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const log = createLogger("daemon");
  const paths = statePaths(options.stateDir);
  const verifyingKey = verifyingKeyFromPem(readOptionFile("--fleet-key", options.fleetKey));
  return openAll(async (closer) => {
    closer.add(await startTracing({ part: "daemon", passesOn: false, log }));
    const metrics = await openMetrics(options, closer, log);
    closer.add(await lockStateDirectory(paths.daemon));
    const provider = closer.add(await getOSProvider({ log, stateDirectory: paths.daemon }));
    const daemon = closer.add(
      await startDaemon({
        provider,
        relayUrls: options.relay,
        fleetId: options.fleetId,
        verifyingKey,
        stateDirectory: paths.daemon,
        labels: options.label,
        observers: [traceRpcs, ...(metrics ? [metrics.rpcs] : [])],
        log,
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.listen ? { listen: { ...options.listen, token: loadOrCreateToken(paths.token) } } : {}),
        ...(options.relayCa === undefined ? {} : { tls: { ca: readOptionFile("--relay-ca", options.relayCa) } }),
      }),
    );
    metrics?.show({ daemon });
    if (daemon.directUrl) log.info({ directUrl: daemon.directUrl }, "answers direct gRPC clients");
    await runUntilSignal(closer.close);
  });
}
