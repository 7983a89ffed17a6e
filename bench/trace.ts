// What tracing costs the program that is traced, with every event told: a storm of opens and one of short processes, beside bpftrace,
// perf trace and strace; how many events come into JavaScript; and a real build, which does both.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchLine, benchLine, median } from "./bench-line.js";
import { findTracePeers, type TracePeer } from "./peers/trace-peers.js";
import { medianRatio, takePairs } from "./rig/statistics.js";
import { build, compileStorms, runStorm, type StormName, writeSources } from "./rig/trace-storms.js";
import { type Decoding, traceWhile } from "./rig/traced-storm.js";

/** Short and many: this machine's speed changes by more, from second to second, than what is measured. */
const pairCount = 31;
const turns = { open: 50_000, exec: 150 } as const;
/** They are slow enough to be measured by fewer. */
const peerPairCount = 3;
const peerTurns = { open: 20_000, exec: 300 } as const;
const warmUpRounds = 10;
const throughputRounds = 7;
const askTurns = 1_000_000;
/** Room for 0.1 s of them, which is more than one collection of garbage takes. */
const askRingBytes = 32 * 1024 * 1024;
const groupCount = 20;
const filesOfGroup = 10;
const buildRounds = 3;

type Storms = ReturnType<typeof compileStorms>;

export async function run(): Promise<BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), "systems-manager-bench-trace-"));
  try {
    const storms = compileStorms(folder);
    return [
      ...(await measureSlowdown("open", "opens of a file", storms, "<= 1.25")),
      ...(await measureSlowdown("exec", "processes that run a program", storms)),
      ...(await measureThroughput("numbers", storms)),
      ...(await measureThroughput("values", storms)),
      await measureBuild(join(folder, "sources")),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const kindsOf = { open: ["fileOpen"], exec: ["exec", "fork", "exit"] } as const;

async function measureSlowdown(
  name: Exclude<StormName, "ask">,
  what: string,
  storms: Storms,
  goal?: string,
): Promise<BenchLine[]> {
  const storm = storms(name, turns[name]);
  await warmUp("values", storms);
  const slowdown = medianRatio(
    await takePairs(
      pairCount,
      () => runStorm(storm),
      async () => {
        const { result, events } = await traceWhile({ kinds: kindsOf[name] }, "values", () => runStorm(storm));
        if (events < storm.turns) throw new Error(`${events} events came of ${storm.turns} turns`);
        return result;
      },
    ),
  );
  const claim = `time of ${turns[name].toLocaleString("en")} ${what} with every event told, to their time alone`;
  const line = { bench: "trace", claim, unit: "×", value: slowdown };
  const lines = [benchLine({ ...line, ...(goal === undefined ? {} : { goal }) })];
  for (const peer of await findTracePeers(name, storms(name, 10))) {
    if ("absent" in peer) console.error(`${peer.name} is not measured: ${peer.absent}`);
    else lines.push(benchLine({ ...line, peer: { name: peer.name, value: await slowdownBy(peer, name, storms) } }));
  }
  return lines;
}

// The engine compiles what decodes events when it has done so for a while; until then no more come at once than a ring has room for.
async function warmUp(decoding: Decoding, storms: Storms): Promise<void> {
  for (let round = 0; round < warmUpRounds; round++)
    for (const [name, kind] of [
      ["open", "fileOpen"],
      ["ask", "capabilityCheck"],
    ] as const)
      await traceWhile({ kinds: [kind] }, decoding, () => runStorm(storms(name, 30_000)));
}

async function slowdownBy(peer: TracePeer, name: Exclude<StormName, "ask">, storms: Storms): Promise<number> {
  const storm = storms(name, peerTurns[name]);
  return medianRatio(
    await takePairs(
      peerPairCount,
      () => runStorm(storm),
      () => runStorm(storm, peer.under),
    ),
  );
}

async function measureThroughput(decoding: Decoding, storms: Storms): Promise<BenchLine[]> {
  const bareNs: number[] = [];
  const tracedNs: number[] = [];
  const cpuNs: number[] = [];
  const storm = storms("ask", askTurns);
  await warmUp(decoding, storms);
  for (let round = 0; round < throughputRounds; round++) {
    bareNs.push(await runStorm(storm));
    const options = { kinds: ["capabilityCheck"], ringBytes: askRingBytes } as const;
    const taken = await traceWhile(options, decoding, () => runStorm(storm));
    if (taken.events < storm.turns) throw new Error(`${taken.events} events came of ${storm.turns} turns`);
    tracedNs.push(taken.result);
    cpuNs.push(taken.cpuNs / taken.events);
  }
  const line = { bench: "trace" };
  const how = decoding === "values" ? "decoded to values with all their text" : "decoded to numbers";
  return [
    benchLine({
      ...line,
      claim: `events of one process into JavaScript, none lost, ${how}`,
      unit: "events/s",
      value: 1e9 / median(tracedNs),
      goal: ">= 1500000",
    }),
    benchLine({
      ...line,
      claim: `CPU time of reading, handing over and decoding an event, ${how}`,
      unit: "ns",
      value: median(cpuNs),
      // Values with text cost what they cost: who needs few fields reads numbers.
      ...(decoding === "numbers" ? { goal: "<= 150" } : {}),
    }),
    benchLine({
      ...line,
      claim: `time that an event adds to the program that causes it, ${how}`,
      unit: "ns",
      value: median(tracedNs) - median(bareNs),
    }),
  ];
}

async function measureBuild(folder: string): Promise<BenchLine> {
  const sources = writeSources(folder, groupCount * filesOfGroup);
  const buildGroup = (index: number) => {
    const begin = (index % groupCount) * filesOfGroup;
    return build(folder, sources.slice(begin, begin + filesOfGroup));
  };
  await buildGroup(0);
  const pairs = await takePairs(groupCount * buildRounds, buildGroup, async (index) => {
    const { result, events } = await traceWhile({ kinds: ["exec", "fileOpen"] }, "values", () => buildGroup(index));
    if (events < filesOfGroup) throw new Error(`${events} events came of ${filesOfGroup} files that were compiled`);
    return result;
  });
  return benchLine({
    bench: "trace",
    claim: `time of compiling ${sources.length} files, two at a time, with every exec and open told, to its time alone`,
    unit: "×",
    value: medianRatio(pairs),
    goal: "<= 1.02",
  });
}
