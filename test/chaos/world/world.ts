// A whole fleet under chaos: broker, relays, control planes, simulated hosts.
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { statePaths } from "../../../services/cli/state-directory.js";
import { findFreePorts } from "../../kafka/free-ports.js";
import { type Kafka, startKafka } from "../../kafka/start-kafka.js";
import { connectClient, type FleetClient } from "../drive/fleet-client.js";
import {
  type ControlPlaneProcess,
  describeControlPlane,
  describeEmulator,
  describeRelay,
  type EmulatorProcess,
  type RelayProcess,
  stateOf,
  type WorldSetup,
} from "./fleet-processes.js";
import { killManagedProcesses, startAgain } from "./managed-process.js";

export interface WorldOptions {
  /** For state and logs; kept. */
  readonly directory: string;
  readonly hosts: number;
  /** 0: no Kafka; the bus is that of the only control plane, which serves it to the relays. */
  readonly brokers: 0 | 1 | 3;
  readonly relays: number;
  readonly controlPlanes: number;
  readonly emulators: number;
}

export interface World {
  readonly directory: string;
  /** Absent without brokers. */
  readonly kafka?: Kafka;
  readonly relays: readonly RelayProcess[];
  readonly controlPlanes: readonly ControlPlaneProcess[];
  readonly emulators: readonly EmulatorProcess[];
  /** One for each control plane. */
  readonly clients: readonly FleetClient[];
  /** Names of all hosts. */
  readonly hosts: readonly string[];
  /** What went wrong without a fault since the last call. */
  takeIncidents(): string[];
  /** Resolves when every control plane sees every host online; says what is missing when that takes too long. */
  waitUntilWhole(timeoutMs: number): Promise<string | undefined>;
  close(): Promise<void>;
}

const lookEveryMs = 100;
const wholeWithinMs = 60_000;

/** Resolves when every host is attached. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const incidents: string[] = [];
  mkdirSync(options.directory, { recursive: true });
  const kafka = options.brokers === 0 ? undefined : await startKafka({ brokers: options.brokers });
  try {
    const { directory } = options;
    const bus = kafka ? kafkaBus(kafka) : await ownBus(directory);
    const setup: WorldSetup = {
      directory,
      fleetId: `chaos-${basename(directory)}`,
      ...bus,
      onIncident: (what) => void incidents.push(what),
    };
    const processes = await startProcesses(setup, options);
    const world = createWorld(setup, kafka, processes, incidents);
    const missing = await world.waitUntilWhole(wholeWithinMs);
    if (missing) throw new Error(`the fleet never became whole: ${missing}; see ${join(options.directory, "logs")}`);
    return world;
  } catch (error) {
    await killManagedProcesses();
    await kafka?.stop();
    throw error;
  }
}

type Processes = Pick<World, "relays" | "controlPlanes" | "emulators">;

async function startProcesses(setup: WorldSetup, options: WorldOptions): Promise<Processes> {
  const ports = await findFreePorts(options.controlPlanes + options.relays);
  const first = describeControlPlane(setup, 0, ports[0] as number);
  await startAgain(first.process);
  const others = count(options.controlPlanes - 1).map((index) =>
    describeControlPlane(setup, index + 1, ports[index + 1] as number, stateOf(setup, 0)),
  );
  const relays = count(options.relays).map((index) =>
    describeRelay(setup, index, ports[options.controlPlanes + index] as number),
  );
  await Promise.all([...others, ...relays].map(({ process }) => startAgain(process)));
  const each = Math.ceil(options.hosts / options.emulators);
  const emulators = count(options.emulators).map((index) => {
    return describeEmulator(setup, index, Math.min(each, options.hosts - index * each), relays);
  });
  await Promise.all(emulators.map(({ process }) => startAgain(process)));
  return { relays, controlPlanes: [first, ...others], emulators };
}

function kafkaBus({ brokers }: Kafka): Pick<WorldSetup, "bus" | "relayBus"> {
  const bus = ["--kafka", brokers.join(","), "--kafka-replication", String(brokers.length)];
  return { bus, relayBus: bus };
}

async function ownBus(directory: string): Promise<Pick<WorldSetup, "bus" | "relayBus">> {
  const [port] = await findFreePorts(1);
  const token = statePaths(stateOf({ directory }, 0)).relayToken;
  return {
    bus: ["--bus", `127.0.0.1:${port}`],
    relayBus: ["--bus", `http://127.0.0.1:${port}`, "--bus-token", token],
  };
}

function createWorld(setup: WorldSetup, kafka: Kafka | undefined, processes: Processes, incidents: string[]): World {
  const { relays, controlPlanes, emulators } = processes;
  const clients = controlPlanes.map(({ grpcUrl, token }) => connectClient(grpcUrl, token()));
  const hosts = emulators.flatMap((emulator) => emulator.hosts);

  async function missingHosts(): Promise<string | undefined> {
    const counts = await Promise.all(clients.map((client) => client.countOnline()));
    const wrong = counts.findIndex((online) => online !== hosts.length);
    if (wrong < 0) return undefined;
    return `control plane ${wrong} sees ${counts[wrong]} of ${hosts.length} hosts online`;
  }

  return {
    ...processes,
    directory: setup.directory,
    ...(kafka ? { kafka } : {}),
    clients,
    hosts,
    takeIncidents: () => incidents.splice(0),
    async waitUntilWhole(timeoutMs) {
      for (const deadline = Date.now() + timeoutMs; ; await sleep(lookEveryMs)) {
        const missing = await missingHosts();
        if (missing === undefined || Date.now() > deadline) return missing;
      }
    },
    async close() {
      await Promise.all([...emulators, ...relays, ...controlPlanes].map(({ process }) => process.stop()));
      await kafka?.stop();
    },
  };
}

function count(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
