// `npm run bench -- snapshot`: all processes, and who holds a port, at 300 and 3,000 processes, beside what others take. Every answer is
// checked against what was really started.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { create } from "@bufbuild/protobuf";
import { TelemetryService } from "../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { openProcSource } from "../services/providers/linux/procfs/open-proc-source.js";
import type { ProcSource } from "../services/providers/linux/procfs/proc-source.js";
import { createListSockets } from "../services/providers/linux/socket/list-sockets.js";
import { createLogger } from "../services/shared/log.js";
import { type BenchLine, benchLine, median } from "./bench-line.js";
import { type IdleProcess, withIdleProcesses } from "./peers/idle-processes.js";
import { type AbsentPeer, openPeers, type SnapshotPeer, type ToldProcess, timed } from "./peers/snapshot-peers.js";

const sizes = [300, 3000];
const rounds = 7;
const log = createLogger("bench");

/** Milliseconds of each contestant by name. */
type Timings = Map<string, { processes: number[]; holder: number[] }>;

/** Measures all sizes. */
export async function run(_options: { json: boolean }): Promise<BenchLine[]> {
  const opened = await openPeers();
  const peers = opened.filter((peer): peer is SnapshotPeer => !("absent" in peer));
  const absent = opened.filter((peer): peer is AbsentPeer => "absent" in peer);
  const own = [openOwn("iterators"), openOwn("native"), openOwn("procfs")];
  try {
    const lines: BenchLine[] = [];
    for (const size of sizes) {
      const timings = await withIdleProcesses(size, (idle) => measure(idle, [...own, ...peers]));
      lines.push(...describe(size, timings, peers, absent));
    }
    return lines;
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
  }
}

function openOwn(backend: ProcSource["backend"]): SnapshotPeer {
  const source = openProcSource(backend, log);
  const listSockets = createListSockets(source);
  const context = { signal: new AbortController().signal, log };
  const { input } = TelemetryService.method.listSockets;
  return {
    name: backend,
    processes: async () => {
      const { milliseconds, value } = await timed(() => readEverything(source));
      return { milliseconds, pids: value.map(({ pid }) => pid), told: value };
    },
    holder: async (port) => {
      const { milliseconds, value } = await timed(() => listSockets(create(input, { port }), context));
      const holder = value.listeners?.[0]?.holders?.[0];
      return { milliseconds, pid: holder?.pid ?? 0, name: holder?.name ?? "" };
    },
    close: async () => {},
  };
}

/** All processes with every lazy field decoded, as the peers do it. */
async function readEverything(source: ProcSource): Promise<ToldProcess[]> {
  const { processes } = await source.readProcesses();
  return processes.map(({ pid, parentPid, name, argv }) => ({ pid, parentPid, name, argv }));
}

async function measure(idle: readonly IdleProcess[], contestants: readonly SnapshotPeer[]): Promise<Timings> {
  const timings: Timings = new Map(contestants.map(({ name }) => [name, { processes: [], holder: [] }]));
  const truth = idle.map(({ pid }) => readTruth(pid));
  // The first round warms everybody up. Turns alternate, so that a busy moment of the machine hits all alike.
  for (let round = -1; round < rounds; round++) {
    const wanted = idle[Math.floor((idle.length * (round + 1)) / (rounds + 1))] as IdleProcess;
    for (const contestant of contestants) {
      const list = await contestant.processes();
      const found = await contestant.holder(wanted.port);
      check(contestant.name, idle, list.pids, wanted, found.pid);
      if (list.told) checkRecords(contestant.name, truth, list.told);
      const name = truth.find(({ pid }) => pid === wanted.pid)?.name;
      if (found.name !== undefined && found.name !== name)
        throw new Error(`${contestant.name} calls the holder of port ${wanted.port} ${found.name}, /proc ${name}`);
      if (round < 0) continue;
      timings.get(contestant.name)?.processes.push(list.milliseconds);
      timings.get(contestant.name)?.holder.push(found.milliseconds);
    }
  }
  return timings;
}

function check(
  name: string,
  idle: readonly IdleProcess[],
  pids: readonly number[],
  wanted: IdleProcess,
  holder: number,
): void {
  const listed = new Set(pids);
  const missing = idle.filter(({ pid }) => !listed.has(pid));
  if (missing.length > 0) throw new Error(`${name} does not list ${missing.length} of ${idle.length} processes`);
  if (holder !== wanted.pid)
    throw new Error(`${name} says ${holder} holds port ${wanted.port}, which ${wanted.pid} does`);
}

/** What /proc says, read without any code that is measured. */
function readTruth(pid: number): ToldProcess {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const nameEnd = stat.lastIndexOf(")");
  return {
    pid,
    parentPid: Number(stat.slice(nameEnd).split(" ")[2]),
    name: stat.slice(stat.indexOf("(") + 1, nameEnd),
    argv: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1),
  };
}

function checkRecords(name: string, truth: readonly ToldProcess[], told: readonly ToldProcess[]): void {
  const byPid = new Map(told.map((process) => [process.pid, process]));
  for (const process of truth) {
    const found = byPid.get(process.pid);
    if (!isDeepStrictEqual(found, process))
      throw new Error(`${name} tells ${JSON.stringify(found)} where /proc has ${JSON.stringify(process)}`);
  }
}

/** Of 3,000 processes. */
const goals = { processes: "<= 15", holder: "<= 10" };
const questions = [
  { key: "processes", words: (size: number) => `${size} idle processes, all listed with command lines` },
  { key: "holder", words: (size: number) => `who holds one of ${size} ports` },
] as const;

function describe(
  size: number,
  timings: Timings,
  peers: readonly SnapshotPeer[],
  absent: readonly AbsentPeer[],
): BenchLine[] {
  return questions.flatMap(({ key, words }) => {
    const figure = (name: string) => median(timings.get(name)?.[key] ?? []);
    // Goals stand for the size that hurts; a few milliseconds more or less at the small one are the machine's mood.
    const goal = size === sizes.at(-1) ? { goal: "ratio <= 1" } : {};
    const line = (claim: string, name: string) =>
      benchLine({
        bench: "snapshot",
        claim: `${words(size)}${claim}`,
        unit: "ms",
        value: figure("iterators"),
        peer: { name, value: figure(name) },
        ...goal,
      });
    const missing = absent.map(({ name, absent: reason }) =>
      benchLine({
        bench: "snapshot",
        claim: `${words(size)} (${name} is absent: ${reason})`,
        unit: "ms",
        value: figure("iterators"),
      }),
    );
    const own = benchLine({
      bench: "snapshot",
      claim: `${words(size)}, through iterators`,
      unit: "ms",
      value: figure("iterators"),
      ...(size === sizes.at(-1) ? { goal: goals[key] } : {}),
    });
    return [
      own,
      line(", iterators beside the addon on /proc", "native"),
      line(", iterators beside TypeScript", "procfs"),
      ...peers.map(({ name }) => line("", name)),
      ...missing,
    ];
  });
}
