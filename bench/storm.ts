// `npm run bench -- storm [--hosts 10000]`: relay and broker go, one by one and together, under an attached fleet with a run in
// flight. Measured until everybody is back and a question has every answer; counted what was lost.
import { setTimeout as sleep } from "node:timers/promises";
import type { Kafka } from "../test/kafka/start-kafka.js";
import { type BenchLine, benchLine } from "./bench-line.js";
import type { BenchOptions } from "./rig/bench-options.js";
import { startBroker } from "./rig/broker.js";
import { type RelayProcess, startRelay } from "./rig/fleet-processes.js";
import { type FleetUnderTest, startFleetUnderTest } from "./rig/fleet-under-test.js";
import { cpuMilliseconds } from "./rig/process-usage.js";
import { countAttachments } from "./rig/relay-metrics.js";
import { startRunInFlight } from "./rig/run-in-flight.js";

/** What happens to the fleet. */
interface Blow {
  readonly name: string;
  readonly relay: boolean;
  strikeBroker?(broker: Kafka): Promise<void>;
}

interface Recovery {
  /** Milliseconds from the blow. */
  readonly attachedMs: number;
  readonly answeredMs: number;
  /** Of a relay that began anew, until all daemons were attached. */
  readonly relayCpuMs: number;
  /** Of the run in flight. */
  readonly lostAnswers: number;
  readonly unaccounted: number;
}

const bench = "storm";
const defaultHosts = 10_000;
const pollMs = 250;
const patienceMs = 180_000;
const startAgainMs = 500;
// Into the answers of a run on 10,000 hosts.
const blowAfterMs = 300;

const blows: readonly Blow[] = [
  { name: "relay killed and restarted", relay: true },
  { name: "broker stopped and restarted", relay: false, strikeBroker: (broker) => broker.restart() },
  { name: "relay and broker killed and restarted", relay: true, strikeBroker: killBroker },
];

/** Deals the blows one after the other. */
export async function run({ hosts: [hosts] = [defaultHosts] }: BenchOptions): Promise<BenchLine[]> {
  const broker = await startBroker();
  try {
    const fleet = await startFleetUnderTest({ hosts: hosts as number, kafka: broker.brokers.join(",") });
    try {
      const lines = [attachLine(fleet)];
      for (const blow of blows) lines.push(...describe(blow, fleet, await recover(blow, fleet, broker)));
      return lines;
    } finally {
      await fleet.close();
    }
  } finally {
    await broker.stop();
  }
}

async function killBroker(broker: Kafka): Promise<void> {
  await broker.kill();
  await broker.restart();
}

async function recover(blow: Blow, fleet: FleetUnderTest, broker: Kafka): Promise<Recovery> {
  const { asker, hosts } = fleet;
  console.error(`${bench}: ${blow.name}`);
  const inFlight = await startRunInFlight(asker.grpc);
  await sleep(blowAfterMs);
  const start = performance.now();
  const [relays] = await Promise.all([blow.relay ? restartRelays(fleet) : fleet.relays, blow.strikeBroker?.(broker)]);
  const cpu = () => cpuMilliseconds(relays.map(({ process }) => process.pid));
  const atStart = cpu();
  if (blow.relay) await waitForAttachments(relays, hosts);
  const attachedMs = performance.now() - start;
  const relayCpuMs = cpu() - atStart;
  await askUntilComplete(fleet);
  const answeredMs = performance.now() - start;
  const { targeted, ok, unaccounted } = await inFlight.finished;
  return { attachedMs, answeredMs, relayCpuMs, lostAnswers: targeted - ok, unaccounted };
}

// Each on the address of the one before.
async function restartRelays(fleet: FleetUnderTest): Promise<RelayProcess[]> {
  return Promise.all(
    fleet.relays.map(async (killed, index) => {
      await killed.process.stop("SIGKILL");
      const relay = await startAgain(fleet, killed);
      fleet.relays[index] = relay;
      return relay;
    }),
  );
}

// As a service manager does it: a relay that finds no broker ends and says so.
async function startAgain({ setup }: FleetUnderTest, { name, url }: RelayProcess): Promise<RelayProcess> {
  for (const start = performance.now(); ; await sleep(startAgainMs)) {
    try {
      return await startRelay(setup, name, new URL(url).host);
    } catch (error) {
      if (performance.now() - start > patienceMs) throw error;
      console.error(`${bench}: a relay did not start: ${String(error).split("\n").at(-1)}`);
    }
  }
}

async function waitForAttachments(relays: readonly RelayProcess[], hosts: number): Promise<void> {
  let attached = 0;
  for (const start = performance.now(); performance.now() - start < patienceMs; await sleep(pollMs)) {
    const counts = await Promise.all(relays.map(({ metricsUrl }) => countAttachments(metricsUrl)));
    attached = counts.reduce((sum, count) => sum + count, 0);
    if (attached >= hosts) return;
  }
  throw new Error(`after ${patienceMs / 1000} s only ${attached} of ${hosts} daemons were back`);
}

/** Questions that fail or miss a host are asked again: that is what is measured. */
async function askUntilComplete({ asker, hosts }: FleetUnderTest): Promise<void> {
  let last = "";
  for (const start = performance.now(); performance.now() - start < patienceMs; await sleep(pollMs)) {
    try {
      const { ok } = await asker.overMcp("all");
      if (ok === hosts) return;
      last = `${ok} of ${hosts} answers`;
    } catch (error) {
      last = String(error);
    }
  }
  throw new Error(`after ${patienceMs / 1000} s a question still gets no more than this: ${last}`);
}

function attachLine({ hosts, attachMs }: FleetUnderTest): BenchLine {
  return benchLine({ bench, claim: `${hosts} daemons attach for the first time`, unit: "s", value: attachMs / 1000 });
}

function describe({ name, relay }: Blow, { hosts }: FleetUnderTest, recovery: Recovery): BenchLine[] {
  const line = (what: string, unit: string, value: number, goal?: string) =>
    benchLine({ bench, claim: `${name} under ${hosts} daemons: ${what}`, unit, value, ...(goal ? { goal } : {}) });
  const { attachedMs, answeredMs, relayCpuMs, lostAnswers, unaccounted } = recovery;
  const ofRelay = [
    line("until all were attached again", "s", attachedMs / 1000, "<= 20"),
    line("relay CPU per returning daemon", "ms", relayCpuMs / hosts, "<= 0.7"),
  ];
  return [
    ...(relay ? ofRelay : []),
    line("until a question had all answers again", "s", answeredMs / 1000, "<= 20"),
    line("answers that the run in flight lost", "answers", lostAnswers, "<= 0"),
    line("hosts that the run in flight does not account for", "hosts", unaccounted, "<= 0"),
  ];
}
