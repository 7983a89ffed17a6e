// What `relay` does; apart from its options, so that other verbs do not load a relay.
import type { OpenBusOptions } from "../bus/open-bus.js";
import { startRelay } from "../relay/start-relay.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { createLogger, type Logger } from "../shared/log.js";
import { startTracing } from "../tracing/start-tracing.js";
import { openAll } from "./closer.js";
import { type KafkaOptions, kafkaBusOf } from "./kafka-options.js";
import { type MetricsOption, openMetrics } from "./metrics-option.js";
import { openBusPatiently } from "./open-bus-patiently.js";
import { readOptionFile } from "./option-file.js";
import { runUntilSignal, untilSignal } from "./run-until-signal.js";
import { type TlsOptions, tlsOf } from "./tls-options.js";

export interface RelayOptions extends TlsOptions, KafkaOptions, MetricsOption {
  readonly bus?: string;
  readonly busToken?: string;
  readonly busCa?: string;
  readonly listen: ListenAddress;
  readonly fleetId: string;
  readonly relayId?: string;
  /** Milliseconds. */
  readonly heartbeat?: number;
}

/** Serves daemons until a signal, then lets them drain. */
export function runRelay(options: RelayOptions): Promise<void> {
  const { listen, fleetId, relayId } = options;
  const log = createLogger("relay");
  return openAll(async (closer) => {
    closer.add(await startTracing({ part: "relay", passesOn: true, log }));
    const metrics = await openMetrics(options, closer, log);
    const busOptions = kafkaBusOf(options, fleetId, log) ?? remoteBusOf(options, log);
    const opened = await untilSignal((signal) => openBusPatiently(busOptions, log, signal));
    if (!opened) return closer.close();
    const bus = closer.add(opened);
    const identity = relayId === undefined ? {} : { relayId };
    const settings = { ...identity, ...heartbeatOf(options), ...tlsOf(options) };
    const relay = closer.add(await startRelay({ bus, fleetId, listen, log, ...settings }));
    metrics?.show({ bus, relay });
    await runUntilSignal(closer.close);
  });
}

// The fleet hears of the relay itself twice as often as a daemon does.
function heartbeatOf({ heartbeat }: RelayOptions) {
  return heartbeat === undefined ? {} : { heartbeatIntervalMs: heartbeat, presenceIntervalMs: heartbeat / 2 };
}

function remoteBusOf({ bus: url, busToken, busCa }: RelayOptions, log: Logger): OpenBusOptions {
  if (url === undefined) throw noBus();
  const token = readOptionFile("--bus-token", busToken).trim();
  const ca = busCa === undefined ? {} : { ca: readOptionFile("--bus-ca", busCa) };
  return { kind: "remote", url, token, log, ...ca };
}

function noBus() {
  return failure(ErrorReason.INVALID_ARGUMENT, "a relay needs a bus: neither --kafka nor --bus was given", {
    metadata: { field: "--kafka" },
    remedy: "give --kafka HOST:PORT, or --bus with the URL that `up --bus` prints",
  });
}
