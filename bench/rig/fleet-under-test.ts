// A whole fleet of one size, attached and asked once, so that what is measured is not its beginning.
import { setTimeout as sleep } from "node:timers/promises";
import { type Asker, openAsker, waitForHosts } from "./ask-fleet.js";
import type { BenchProcess } from "./bench-process.js";
import {
  type ControlPlaneProcess,
  createSetup,
  type FleetSetup,
  type RelayProcess,
  removeSetup,
  startControlPlane,
  startEmulator,
  startRelay,
} from "./fleet-processes.js";
import { residentBytes } from "./process-usage.js";

export interface FleetUnderTest {
  readonly setup: FleetSetup;
  readonly hosts: number;
  readonly controlPlane: ControlPlaneProcess;
  /** None when the control plane has its own bus: then its process is the relay too. */
  readonly relays: RelayProcess[];
  readonly emulator: BenchProcess;
  readonly asker: Asker;
  /** From the emulator's start until the inventory says that all are online. */
  readonly attachMs: number;
  /** Memory of the relays for each attached daemon, after a settled moment; undefined without relays. */
  readonly relayBytesPerHost?: number;
  close(): Promise<void>;
}

export interface FleetOptions extends Pick<FleetSetup, "kafka" | "profile"> {
  readonly hosts: number;
}

// A process has 20,000 file descriptors.
const hostsPerRelay = 15_000;
// Of so many, heartbeats every ten seconds alone would be a good part of what two cores can do.
const manyHosts = 20_000;
const settleMs = 5_000;
const warmUps = 5;

/** Starts everything. Whatever was started is ended when it throws. */
export async function startFleetUnderTest({ hosts, ...options }: FleetOptions): Promise<FleetUnderTest> {
  const setup = await createSetup(options);
  const started: { close(): Promise<void> }[] = [{ close: async () => removeSetup(setup) }];
  const close = async () => {
    for (const part of started.splice(0).reverse()) await part.close();
  };
  const endWith = (process: BenchProcess) => void started.push({ close: () => process.stop("SIGTERM") });
  try {
    const controlPlane = await startControlPlane(setup);
    endWith(controlPlane.process);
    const relays: RelayProcess[] = [];
    // Those that are there at the end: a relay may have been replaced.
    started.push({ close: () => stopAll(relays) });
    await startRelays(setup, hosts, relays);
    const idleBytes = await settledBytes(relays);
    const asker = await openAsker(controlPlane);
    started.push(asker);
    const relayUrls = controlPlane.relayUrl ? [controlPlane.relayUrl] : relays.map(({ url }) => url);
    const emulator = startEmulator(setup, { hosts, relayUrls, fleetKey: controlPlane.fleetKey });
    endWith(emulator);
    const attachMs = await waitForHosts(asker, hosts, 60_000 + hosts * 10);
    const relayBytesPerHost = ((await settledBytes(relays)) - idleBytes) / hosts;
    for (let call = 0; call < warmUps; call++) await asker.overMcp("all");
    const memory = relays.length > 0 ? { relayBytesPerHost } : {};
    return { setup, hosts, controlPlane, relays, emulator, asker, attachMs, ...memory, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startRelays(setup: FleetSetup, hosts: number, relays: RelayProcess[]): Promise<void> {
  if (setup.kafka === undefined) return;
  for (let number = 1; number <= Math.ceil(hosts / hostsPerRelay); number++)
    relays.push(await startRelay(setup, `relay-${number}`, undefined, hosts > manyHosts ? 60 : undefined));
}

async function stopAll(relays: readonly RelayProcess[]): Promise<void> {
  for (const { process } of relays) await process.stop("SIGTERM");
}

async function settledBytes(relays: readonly RelayProcess[]): Promise<number> {
  if (relays.length === 0) return 0;
  await sleep(settleMs);
  return residentBytes(relays.map(({ process }) => process.pid));
}
