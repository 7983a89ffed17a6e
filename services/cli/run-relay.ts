// What `relay` does; apart from its options, so that other verbs do not load a relay.
import { openBus } from "../bus/open-bus.js";
import { startRelay } from "../relay/start-relay.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { createLogger } from "../shared/log.js";
import { readOptionFile } from "./arguments.js";
import { openAll } from "./closer.js";
import { runUntilSignal } from "./run-until-signal.js";
import { type TlsOptions, tlsOf } from "./tls-options.js";

export interface RelayOptions extends TlsOptions {
  readonly bus: string;
  readonly busToken: string;
  readonly busCa?: string;
  readonly listen: ListenAddress;
  readonly fleetId: string;
  readonly relayId?: string;
}

/** Serves daemons until a signal, then lets them drain. */
export function runRelay(options: RelayOptions): Promise<void> {
  const { bus: url, busToken, busCa, listen, fleetId, relayId } = options;
  const log = createLogger("relay");
  return openAll(async (closer) => {
    const token = readOptionFile("--bus-token", busToken).trim();
    const ca = busCa === undefined ? {} : { ca: readOptionFile("--bus-ca", busCa) };
    const bus = closer.add(await openBus({ kind: "remote", url, token, log, ...ca }));
    const identity = relayId === undefined ? {} : { relayId };
    closer.add(await startRelay({ bus, fleetId, listen, log, ...identity, ...tlsOf(options) }));
    await runUntilSignal(closer.close);
  });
}
