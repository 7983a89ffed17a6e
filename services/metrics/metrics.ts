// The metrics of one process: which parts run in it, and where they can be scraped. Loaded only where metrics are wanted.
import type { Interceptor } from "@connectrpc/connect";
import type { Bus } from "../bus/bus.js";
import type { Daemon } from "../daemon/start-daemon.js";
import type { EmulatorCounters } from "../emulator/emulator-counters.js";
import type { Fleet } from "../fleet/fleet.js";
import type { CallObserver } from "../gateway/observe-call.js";
import type { Relay } from "../relay/start-relay.js";
import type { ListenAddress } from "../shared/http2-listener.js";
import type { Logger } from "../shared/log.js";
import { productVersion } from "../shared/version.js";
import { busMetrics, readBus } from "./bus-metrics.js";
import { daemonMetrics, emulatorMetrics, readDaemon } from "./daemon-metrics.js";
import { fleetMetrics, readFleet } from "./fleet-metrics.js";
import { createMetricRegistry, type MetricRegistry } from "./metric-registry.js";
import { rowsOf } from "./metric-table.js";
import { observeRpcCalls, observeToolCalls } from "./observe-calls.js";
import { readRelay, relayMetrics } from "./relay-metrics.js";
import { serveMetrics } from "./serve-metrics.js";

/** Parts of the product that run in this process. */
export interface ShownParts {
  readonly bus?: Bus;
  readonly fleet?: Fleet;
  readonly relay?: Relay | undefined;
  readonly daemon?: Daemon;
  readonly emulator?: { counters(): EmulatorCounters };
}

export interface Metrics {
  /** Where they are scraped. */
  readonly url: string;
  /** For the gateway. */
  readonly toolCalls: CallObserver;
  /** For servers, around everything else. */
  readonly rpcs: Interceptor;
  /** Shows these parts from now on; each kind of part once. */
  show(parts: ShownParts): void;
  close(): Promise<void>;
}

/** Resolves when they can be scraped. Throws UNREACHABLE when the address cannot be had. */
export async function startMetrics(address: ListenAddress, log: Logger): Promise<Metrics> {
  const registry = createMetricRegistry();
  showBuild(registry);
  const server = await serveMetrics(registry, address, log);
  log.info({ url: server.url }, "metrics can be scraped");
  return {
    url: server.url,
    toolCalls: observeToolCalls(registry),
    rpcs: observeRpcCalls(registry),
    show({ bus, fleet, relay, daemon, emulator }) {
      if (bus) registry.show(busMetrics, () => readBus(bus));
      if (fleet) registry.show(fleetMetrics, () => readFleet(fleet));
      if (relay) registry.show(relayMetrics, () => readRelay(relay));
      if (daemon) registry.show(daemonMetrics, () => readDaemon(daemon));
      if (emulator) registry.show(emulatorMetrics, () => emulator.counters());
    },
    close: server.close,
  };
}

function showBuild(registry: MetricRegistry): void {
  const { gaugeBy } = rowsOf<string>("build");
  const row = gaugeBy("info", "1, with the version of the product.", ["version"], (version) => [
    { labels: { version }, value: 1 },
  ]);
  registry.show([row], () => productVersion);
}
