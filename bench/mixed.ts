// `npm run bench -- mixed [--hosts 1000]`: 1,000 one-host calls at once, alone and together with 10 fleet-wide ones; and what a
// principal over its limit is told.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { ErrorReason, hasReason } from "../services/shared/errors.js";
import { type BenchLine, benchLine } from "./bench-line.js";
import { type Asked, type Asker, questionRequest } from "./rig/ask-fleet.js";
import type { BenchOptions } from "./rig/bench-options.js";
import { startBroker } from "./rig/broker.js";
import { type FleetUnderTest, startFleetUnderTest } from "./rig/fleet-under-test.js";
import { freezeWhile } from "./rig/freeze-processes.js";
import { percentile } from "./rig/statistics.js";

const bench = "mixed";
const defaultHosts = 1_000;
const singleCalls = 1_000;
const fleetWideCalls = 10;
const rounds = 2;
const loneCalls = 200;
// More than any principal may have going on at once.
const mostRuns = 20_000;
const runsPerWave = 128;
// Runs wait so long for hosts that stand still.
const piledUpMs = 60_000;

/** What came of many calls at once. */
interface Burst {
  readonly times: number[];
  readonly refused: number;
  readonly missing: number;
}

export async function run({ hosts: [hosts] = [defaultHosts] }: BenchOptions): Promise<BenchLine[]> {
  const broker = await startBroker();
  try {
    const fleet = await startFleetUnderTest({ hosts: hosts as number, kafka: broker.brokers.join(",") });
    try {
      return [...(await measureBursts(fleet)), await measureLimit(fleet)];
    } finally {
      await fleet.close();
    }
  } finally {
    await broker.stop();
  }
}

async function measureBursts({ asker, hosts }: FleetUnderTest): Promise<BenchLine[]> {
  const lone: number[] = [];
  for (let call = 0; call < loneCalls; call++) lone.push((await asker.overMcp(nameOf(call, hosts))).milliseconds);
  const idle: Burst[] = [];
  const mixed: Burst[] = [];
  const fleetWide: Burst[] = [];
  // The first round warms up. Turns alternate, so that a busy moment of the machine hits both alike.
  for (let round = -1; round < rounds; round++) {
    const alone = await askAtOnce(asker, singles(hosts));
    const wide = askAtOnce(
      asker,
      Array.from({ length: fleetWideCalls }, () => "all"),
    );
    const [beside, wideDone] = await Promise.all([askAtOnce(asker, singles(hosts)), wide]);
    if (round < 0) continue;
    idle.push(alone);
    mixed.push(beside);
    fleetWide.push(wideDone);
  }
  const worst = (bursts: readonly Burst[]) =>
    percentile(
      bursts.flatMap(({ times }) => times),
      99,
    );
  const all = [...idle, ...mixed, ...fleetWide];
  const sum = (pick: (burst: Burst) => number) => all.reduce((total, burst) => total + pick(burst), 0);
  const what = `${singleCalls} one-host calls at once among ${hosts} hosts`;
  return [
    line("a lone one-host call, p50", "ms", percentile(lone, 50)),
    line("a lone one-host call, p99", "ms", percentile(lone, 99)),
    line(`${what}, p99`, "ms", worst(idle)),
    benchLine({
      bench,
      claim: `${what} and ${fleetWideCalls} fleet-wide ones, p99 of the one-host calls`,
      unit: "ms",
      value: worst(mixed),
      peer: { name: "without the fleet-wide ones", value: worst(idle) },
      goal: "ratio <= 2",
    }),
    line(`the ${fleetWideCalls} fleet-wide ones beside them, p99`, "ms", worst(fleetWide)),
    line(
      "calls refused",
      "calls",
      sum(({ refused }) => refused),
      "<= 0",
    ),
    line(
      "answers missing",
      "answers",
      sum(({ missing }) => missing),
      "<= 0",
    ),
  ];
}

function singles(hosts: number): string[] {
  return Array.from({ length: singleCalls }, (_, call) => nameOf(call, hosts));
}

function nameOf(call: number, hosts: number): string {
  return `emulated-${call % hosts}`;
}

async function askAtOnce(asker: Asker, selectors: readonly string[]): Promise<Burst> {
  const calls = await Promise.allSettled(selectors.map((selector) => asker.overMcp(selector)));
  const refused = calls.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  if (refused[0])
    console.error(`${bench}: ${refused.length} calls were refused, one of them so: ${describeReason(refused[0])}`);
  const asked = calls.flatMap((call): Asked[] => (call.status === "fulfilled" ? [call.value] : []));
  const missing = asked.reduce((sum, { targeted, ok }) => sum + targeted - ok, 0);
  return { times: asked.map(({ milliseconds }) => milliseconds), refused: refused.length, missing };
}

function describeReason({ reason }: PromiseRejectedResult): string {
  return reason instanceof Error && reason.cause ? `${reason}: ${reason.cause}` : String(reason);
}

// While the hosts stand still runs pile up until one more is too many.
async function measureLimit({ asker, emulator, hosts }: FleetUnderTest): Promise<BenchLine> {
  const admitted: RunEventIterator[] = [];
  const told = await freezeWhile([emulator.pid], async () => {
    while (admitted.length < mostRuns) {
      const begun = Array.from({ length: runsPerWave }, (_, run) => beginRun(asker, nameOf(run, hosts)));
      const runs = (await Promise.all(begun)).filter((run) => run !== undefined);
      admitted.push(...runs);
      if (runs.length < runsPerWave) return asker.overMcp(nameOf(0, hosts)).then(() => undefined, String);
    }
    throw new Error(`${mostRuns} runs at once are within the limit of one principal`);
  });
  await Promise.all(admitted.map(readToEnd));
  console.error(`${bench}: over its limit a principal is told:\n${told}`);
  if (told === undefined || !/BUSY/.test(told) || !/limit/.test(told))
    throw new Error(`whoever is over the limit is not told so: ${told}`);
  return line(
    "runs of one principal at once until the next is told BUSY",
    "runs",
    admitted.length,
    `>= ${singleCalls}`,
  );
}

type RunEventIterator = AsyncIterator<unknown>;

// Undefined when it is refused.
async function beginRun({ grpc }: Asker, selector: string): Promise<RunEventIterator | undefined> {
  const timeout = durationFromMs(piledUpMs);
  const events = grpc.run({ selector, ...questionRequest, timeout })[Symbol.asyncIterator]();
  try {
    await events.next();
    return events;
  } catch (error) {
    if (hasReason(error, ErrorReason.BUSY)) return undefined;
    throw error;
  }
}

async function readToEnd(events: AsyncIterator<unknown>): Promise<void> {
  while (!(await events.next()).done);
}

function line(claim: string, unit: string, value: number, goal?: string): BenchLine {
  return benchLine({ bench, claim, unit, value, ...(goal ? { goal } : {}) });
}
