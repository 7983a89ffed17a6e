// `npm run bench -- idle [--hosts 10000]`: what everybody costs while nobody asks: one real daemon, a relay with its streams, and a
// control plane with its broker.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchLine, benchLine } from "./bench-line.js";
import { waitForHosts } from "./rig/ask-fleet.js";
import type { BenchOptions } from "./rig/bench-options.js";
import { type BenchProcess, startProcess } from "./rig/bench-process.js";
import { startBroker } from "./rig/broker.js";
import { type FleetSetup, startDaemon } from "./rig/fleet-processes.js";
import { type FleetUnderTest, startFleetUnderTest } from "./rig/fleet-under-test.js";
import { residentBytes } from "./rig/process-usage.js";
import { measureUsage } from "./rig/usage-window.js";

const bench = "idle";
const defaultHosts = 10_000;
const settleMs = 15_000;
const windowMs = 60_000;

/** All of them in one window. */
export async function run({ hosts: [hosts] = [defaultHosts] }: BenchOptions): Promise<BenchLine[]> {
  const broker = await startBroker();
  try {
    const fleet = await startFleetUnderTest({ hosts: hosts as number, kafka: broker.brokers.join(",") });
    try {
      return await measureIdle(fleet, broker.pids());
    } finally {
      await fleet.close();
    }
  } finally {
    await broker.stop();
  }
}

async function measureIdle(fleet: FleetUnderTest, brokerPids: number[]): Promise<BenchLine[]> {
  const { setup, controlPlane, relays, asker, hosts } = fleet;
  const relayUrl = relays[0]?.url as string;
  const stateDirectory = join(setup.directory, "daemon");
  const daemon = startDaemon(setup, { relayUrl, fleetKey: controlPlane.fleetKey, stateDirectory });
  const bare = startBareNode(setup);
  try {
    await waitForHosts(asker, hosts + 1, 30_000);
    console.error(`${bench}: ${hosts} hosts and one real daemon are attached; waiting a minute`);
    await sleep(settleMs);
    const roles = {
      daemon: [daemon.pid],
      relay: relays.map(({ process }) => process.pid),
      "control plane": [controlPlane.process.pid],
      broker: brokerPids,
      hosts: [fleet.emulator.pid],
    };
    const { cpuMs, wallMs, othersShare } = await measureUsage(roles, () => sleep(windowMs));
    const cpu = (role: keyof typeof roles, what: string, goal?: string) =>
      line(`${what}: CPU`, "% of a core", (cpuMs[role] / wallMs) * 100, goal);
    const memory = (role: keyof typeof roles, what: string) =>
      line(`${what}: resident memory`, "MB", residentBytes(roles[role]) / 1e6);
    const peer = { name: "Node.js that does nothing", value: residentBytes([bare.pid]) / 1e6 };
    return [
      benchLine({ ...memory("daemon", "one real daemon"), peer, goal: "<= 60" }),
      cpu("daemon", "one real daemon", "<= 0.1"),
      memory("relay", `a relay with ${hosts} streams`),
      cpu("relay", `a relay with ${hosts} streams`),
      memory("control plane", `a control plane with ${hosts} hosts`),
      cpu("control plane", `a control plane with ${hosts} hosts, on Kafka`),
      cpu("broker", "its broker"),
      cpu("hosts", `${hosts} emulated daemons`),
      line("share of the machine that others used meanwhile", "%", othersShare * 100),
    ];
  } finally {
    await bare.stop("SIGTERM");
    await daemon.stop("SIGTERM");
  }
}

function startBareNode({ logDirectory }: FleetSetup): BenchProcess {
  const args = ["-e", "setInterval(() => undefined, 2 ** 30)"];
  return startProcess({ name: "bare-node", program: process.execPath, args, logDirectory });
}

function line(claim: string, unit: string, value: number, goal?: string): BenchLine {
  return benchLine({ bench, claim, unit, value, ...(goal ? { goal } : {}) });
}
