// `npm run bench -- fanout [--hosts 1,100,1000,10000,50000]`: one question to N hosts over real Kafka, TLS and signatures on, as an
// agent asks it: MCP tool call to finished summary. Beside it, before and after, the floor of the same machine.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kafka } from "../test/kafka/start-kafka.js";
import { type BenchLine, benchLine, median } from "./bench-line.js";
import { measureMcpFloor } from "./peers/mcp-floor.js";
import { buildNatsFloor, startNatsFloor } from "./peers/nats-floor.js";
import type { BenchOptions } from "./rig/bench-options.js";
import { startBroker } from "./rig/broker.js";
import { startFleetUnderTest } from "./rig/fleet-under-test.js";
import { type MeasuredCalls, measureCalls } from "./rig/measure-calls.js";
import { percentile } from "./rig/statistics.js";
import { measureUsage } from "./rig/usage-window.js";

/** What the floor took in the same run; a reason when there is none. */
type Floor = { times: number[]; centre: number; hosts: number; attachMs: number } | { absent: string };

interface SizeFigures {
  readonly hosts: number;
  readonly calls: MeasuredCalls;
  readonly floor: Floor;
  readonly attachMs: number;
  readonly relayBytesPerHost: number;
}

const bench = "fanout";
const defaultSizes = [1, 100, 1_000, 10_000];
// The server of the floor has a process's 20,000 file descriptors too.
const largestFloor = 19_000;
// About what the answer of one host has, its structure included.
const oneHostCharacters = 3_500;

/** Measures all sizes, and one host over the embedded bus. */
export async function run({ hosts: sizes = defaultSizes, profile }: BenchOptions): Promise<BenchLine[]> {
  const program = await buildNatsFloor();
  const options = profile === undefined ? {} : { profile };
  const lines: BenchLine[] = [];
  const all: SizeFigures[] = [];
  const broker = await startBroker();
  try {
    for (const hosts of sizes) {
      const before = await measureFloor(program, hosts);
      const figures = await measureFleet(broker, hosts, options);
      const floor = joinFloors(before, await measureFloor(program, hosts));
      all.push({ ...figures, floor });
      lines.push(...describeSize({ ...figures, floor }));
    }
  } finally {
    await broker.stop();
  }
  return [...lines, ...describeGrowth(all), await measureEmbedded()];
}

function callsFor(hosts: number): number {
  if (hosts >= 50_000) return 6;
  return hosts >= 10_000 ? 20 : hosts >= 1_000 ? 60 : 200;
}

async function measureFleet(broker: Kafka, hosts: number, options: { profile?: string }) {
  note(`${hosts} hosts: attaching`);
  const fleet = await startFleetUnderTest({ hosts, kafka: broker.brokers.join(","), ...options });
  try {
    note(`${hosts} hosts: attached after ${Math.round(fleet.attachMs)} ms; asking`);
    const calls = await measureCalls(fleet, broker, callsFor(hosts));
    const { attachMs, relayBytesPerHost = 0 } = fleet;
    return { hosts, calls, attachMs, relayBytesPerHost };
  } finally {
    await fleet.close();
  }
}

async function measureFloor(program: { program: string } | { absent: string }, hosts: number): Promise<Floor> {
  if ("absent" in program) return program;
  if (hosts > largestFloor) return { absent: `one nats-server process cannot hold ${hosts} connections here` };
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-bench-"));
  note(`${hosts} hosts: the floor`);
  const floor = await startNatsFloor(program.program, hosts, directory);
  try {
    const calls = Math.ceil(callsFor(hosts) / 2);
    for (let call = 0; call < 3; call++) await floor.ask();
    const window = await measureUsage({ centre: floor.centre, hosts: floor.hosts }, async () => {
      const times: number[] = [];
      for (let call = 0; call < calls; call++) times.push(await floor.ask());
      return times;
    });
    const perAnswer = (cpuMs: number) => (cpuMs * 1000) / (calls * hosts);
    const { centre, hosts: hostSide } = window.cpuMs;
    return { times: window.value, centre: perAnswer(centre), hosts: perAnswer(hostSide), attachMs: floor.attachMs };
  } finally {
    await floor.close();
    rmSync(directory, { recursive: true });
  }
}

// Before and after ours, so that a slow moment of the machine is shared.
function joinFloors(before: Floor, after: Floor): Floor {
  if ("absent" in before) return before;
  if ("absent" in after) return after;
  const mean = (one: number, other: number) => (one + other) / 2;
  return {
    times: [...before.times, ...after.times],
    centre: mean(before.centre, after.centre),
    hosts: mean(before.hosts, after.hosts),
    attachMs: mean(before.attachMs, after.attachMs),
  };
}

function describeSize({ hosts, calls, floor, attachMs, relayBytesPerHost }: SizeFigures): BenchLine[] {
  const count = hosts.toLocaleString("en");
  const absent = "absent" in floor ? ` (no NATS floor: ${floor.absent})` : "";
  const beside = (what: (known: Exclude<Floor, { absent: string }>) => number) =>
    "absent" in floor ? {} : { peer: { name: "bare NATS", value: what(floor) } };
  const line = (what: string, unit: string, value: number, more: { peer?: BenchLine["peer"]; goal?: string } = {}) =>
    benchLine({
      bench,
      claim: `${count} host${hosts === 1 ? "" : "s"}: ${what}`,
      unit,
      value,
      ...(more.peer ? { peer: more.peer } : {}),
      ...(more.goal ? { goal: more.goal } : {}),
    });
  const goal = (text: string, when: boolean) => (when ? { goal: text } : {});
  const cpu = calls.cpuPerAnswer;
  const many = hosts >= 1_000;
  const withFloor = many && !("absent" in floor);
  return [
    line(`tool call to summary, p50 of ${calls.times.length}${absent}`, "ms", percentile(calls.times, 50), {
      ...beside(({ times }) => percentile(times, 50)),
      ...goal("ratio <= 2", withFloor),
      ...goal("<= 25", hosts === 1),
    }),
    line("tool call to summary, p99", "ms", percentile(calls.times, 99), {
      ...beside(({ times }) => percentile(times, 99)),
      ...goal("<= 2000", hosts === 10_000),
    }),
    line("gRPC Run to summary, p50", "ms", percentile(calls.grpcTimes, 50)),
    line("start of the run to the last host's answer, p50", "ms", percentile(calls.lastHosts, 50)),
    line("answers missing", "answers", calls.missing, { goal: "<= 0" }),
    line("CPU per answer, gateway and fleet", "µs", cpu.controlPlane),
    line("CPU per answer, relay", "µs", cpu.relay),
    line("CPU per answer, gateway, fleet and relay", "µs", cpu.controlPlane + cpu.relay, {
      ...beside(({ centre }) => centre),
      ...goal("<= 80", many),
    }),
    line("CPU per answer, broker", "µs", cpu.broker),
    line(
      "CPU per answer, emulated hosts",
      "µs",
      cpu.hosts,
      beside((known) => known.hosts),
    ),
    ...(many ? [line("relay memory per attached daemon", "KB", relayBytesPerHost / 1000, { goal: "<= 75" })] : []),
    line(
      "time until all were attached",
      "ms",
      attachMs,
      beside((known) => known.attachMs),
    ),
    line("share of the machine that others used meanwhile", "%", calls.othersShare * 100),
  ];
}

function describeGrowth(all: readonly SizeFigures[]): BenchLine[] {
  const costAt = (size: number) => {
    const calls = all.find(({ hosts }) => hosts === size)?.calls;
    return calls && Object.values(calls.cpuPerAnswer).reduce((sum, cost) => sum + cost, 0);
  };
  const [small, large] = [costAt(1_000), costAt(10_000)];
  if (small === undefined || large === undefined) return [];
  const claim = "CPU per answer of all processes, 10,000 hosts beside 1,000";
  const peer = { name: "1,000 hosts", value: small };
  return [benchLine({ bench, claim, unit: "µs", value: large, peer, goal: "ratio <= 1.1" })];
}

async function measureEmbedded(): Promise<BenchLine> {
  const measureFloor = () => measureMcpFloor(callsFor(1) / 2, oneHostCharacters);
  note("1 host over the embedded bus");
  const before = await measureFloor();
  const fleet = await startFleetUnderTest({ hosts: 1 });
  try {
    const { times, missing } = await measureCalls(fleet, undefined, callsFor(1));
    if (missing > 0) throw new Error(`${missing} answers are missing over the embedded bus`);
    const peer = { name: "a tool of the MCP SDK alone", value: median([...before, ...(await measureFloor())]) };
    const claim = "1 host over the embedded bus: tool call to summary, p50";
    return benchLine({ bench, claim, unit: "ms", value: median(times), peer, goal: "<= 5" });
  } finally {
    await fleet.close();
  }
}

function note(text: string): void {
  console.error(`fanout: ${text}`);
}
