// What tracing costs the program that is traced, with every event told: a storm of opens and one of short processes, beside bpftrace,
// perf trace and strace; how many events come into JavaScript; and a real build, which does both.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchLine, benchLine, median } from "./bench-line.js";
import { findTracePeers, type TracePeer } from "./peers/trace-peers.js";
import { build, compileStorms, runStorm, type StormName, writeSources } from "./rig/trace-storms.js";
import { type Decoding, traceWhile } from "./rig/traced-storm.js";

const rounds = 7;
/** They are slow enough to be measured by fewer turns, and fewer rounds. */
const peerRounds = 3;
const peerTurns = { open: 20_000, exec: 300 } as const;
const turns = { open: 200_000, ask: 1_000_000, exec: 600 } as const;
const sourceFiles = 200;
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
  const bare: number[] = [];
  const ours: number[] = [];
  const storm = storms(name, turns[name]);
  await warmUp("values", storms);
  for (let round = 0; round < rounds; round++) {
    bare.push(await runStorm(storm));
    const { result, events } = await traceWhile({ kinds: kindsOf[name] }, "values", () => runStorm(storm));
    if (events < storm.turns) throw new Error(`${events} events came of ${storm.turns} turns`);
    ours.push(result);
  }
  const slowdown = median(ours) / median(bare);
  const claim = `time of ${turns[name].toLocaleString("en")} ${what} with every event told, to their time alone`;
  const line = { bench: "trace", claim, unit: "×", value: slowdown };
  const lines = [benchLine({ ...line, ...(goal === undefined ? {} : { goal }) })];
  for (const peer of await findTracePeers(name, storms(name, 10))) {
    if ("absent" in peer) console.error(`${peer.name} is not measured: ${peer.absent}`);
    else lines.push(benchLine({ ...line, peer: { name: peer.name, value: await slowdownBy(peer, name, storms) } }));
  }
  return lines;
}

// The engine compiles what decodes events when it has done so for a while.
async function warmUp(decoding: Decoding, storms: Storms): Promise<void> {
  for (const [name, kind] of [
    ["open", "fileOpen"],
    ["ask", "capabilityCheck"],
  ] as const)
    await traceWhile({ kinds: [kind] }, decoding, () => runStorm(storms(name, 30_000)));
}

async function slowdownBy(peer: TracePeer, name: Exclude<StormName, "ask">, storms: Storms): Promise<number> {
  const bare: number[] = [];
  const traced: number[] = [];
  const storm = storms(name, peerTurns[name]);
  for (let round = 0; round < peerRounds; round++) {
    bare.push(await runStorm(storm));
    traced.push(await runStorm(storm, peer.under));
  }
  return median(traced) / median(bare);
}

async function measureThroughput(decoding: Decoding, storms: Storms): Promise<BenchLine[]> {
  const bareNs: number[] = [];
  const tracedNs: number[] = [];
  const cpuNs: number[] = [];
  const storm = storms("ask", turns.ask);
  await warmUp(decoding, storms);
  for (let round = 0; round < rounds; round++) {
    bareNs.push(await runStorm(storm));
    const taken = await traceWhile({ kinds: ["capabilityCheck"] }, decoding, () => runStorm(storm));
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
  writeSources(folder, sourceFiles);
  await build(folder);
  const bare: number[] = [];
  const traced: number[] = [];
  for (let round = 0; round < buildRounds; round++) {
    bare.push(await build(folder));
    const { result, events } = await traceWhile({ kinds: ["exec", "fileOpen"] }, "values", () => build(folder));
    if (events < sourceFiles) throw new Error(`${events} events came of ${sourceFiles} files that were compiled`);
    traced.push(result);
  }
  return benchLine({
    bench: "trace",
    claim: `time of compiling ${sourceFiles} files, two at a time, with every exec and open told, to its time alone`,
    unit: "×",
    value: median(traced) / median(bare),
    goal: "<= 1.02",
  });
}
