// Everything from the bus to providers in one process, over real loopback HTTP/2; ends what it started.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Bus, BusOptions } from "../../services/bus/bus.js";
import { openBus } from "../../services/bus/open-bus.js";
import { type Daemon, type DaemonOptions, startDaemon } from "../../services/daemon/start-daemon.js";
import { type Relay, type RelayOptions, startRelay } from "../../services/relay/start-relay.js";
import { fleetId, type SimulatedFleet, simulatedFleet } from "../relay/simulated-fleet.js";
import { type SimulatedHandlers, simulatedProvider } from "./simulated-provider.js";

/** Silent unless SYSTEMS_MANAGER_LOG says otherwise. */
export const testLog = pino({ level: process.env.SYSTEMS_MANAGER_LOG ?? "silent" });

export const quickBackoff = { firstMs: 20, longestMs: 200, stableMs: 60_000 };

export interface TestPath {
  readonly bus: Bus;
  readonly fleet: SimulatedFleet;
  readonly relay: Relay;
  startRelay(options?: Partial<RelayOptions>): Promise<Relay>;
  /** A simulated host, attached when it resolves. */
  startHost(name: string, handlers?: SimulatedHandlers, options?: Partial<DaemonOptions>): Promise<Daemon>;
  /** A directory that goes with the path. */
  makeDirectory(): string;
  close(): Promise<void>;
}

export async function openTestPath(
  relayOptions: Partial<RelayOptions> = {},
  busOptions: BusOptions = {},
): Promise<TestPath> {
  const bus = await openBus({ kind: "embedded", ...busOptions });
  const fleet = await simulatedFleet(bus);
  const relays: Relay[] = [];
  const daemons: Daemon[] = [];
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-test-"));

  async function addRelay(options: Partial<RelayOptions> = {}) {
    const listen = { host: "127.0.0.1", port: 0 };
    const relay = await startRelay({ bus, fleetId, listen, log: testLog, drainMs: 500, ...options });
    relays.push(relay);
    return relay;
  }

  const relay = await addRelay(relayOptions);
  return {
    bus,
    fleet,
    relay,
    startRelay: addRelay,
    async startHost(name, handlers = {}, options = {}) {
      const daemon = await startDaemon({
        provider: simulatedProvider(name, handlers),
        relayUrls: [relay.url],
        fleetId,
        verifyingKey: fleet.key.verifyingKey,
        stateDirectory: join(directory, name),
        name,
        log: testLog,
        backoff: quickBackoff,
        ...options,
      });
      daemons.push(daemon);
      await fleet.presenceOf(daemon.hostId, true);
      return daemon;
    },
    makeDirectory: () => mkdtempSync(join(directory, "state-")),
    async close() {
      await Promise.all(daemons.map((daemon) => daemon.close()));
      await Promise.all(relays.map((each) => each.close()));
      await bus.close();
      rmSync(directory, { recursive: true });
    },
  };
}
