// What a CPU profile of the whole machine costs while all its CPUs work: how much slower the work gets, and the CPU time of taking
// the profile and naming its frames, beside `perf record -g` and `perf script` at the same rate.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { builtAddonPath } from "../services/providers/linux/native.js";
import { sumFolded } from "../services/providers/linux/profile/fold-stacks.js";
import { openProfile } from "../services/providers/linux/profile/open-profile.js";
import { type BenchLine, benchLine, median } from "./bench-line.js";

const rounds = 5;
const rates = [99, 999];

// The same work each time, on each CPU; deep enough that stacks are worth walking.
const work = `
function deep(level, n) { if (level > 0) return deep(level - 1, n) + 1; let s = 0; for (let i = 0; i < n; i++) s += Math.sqrt(i); return s; }
for (let turn = 0; turn < 6000; turn++) deep(30, 1e5);`;

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function run(): Promise<BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), "systems-manager-bench-profile-"));
  try {
    const lines: BenchLine[] = [];
    for (const rate of rates) lines.push(...(await compareAt(rate, folder)));
    return lines;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compareAt(rate: number, folder: string): Promise<BenchLine[]> {
  const plain: Cost[] = [];
  const ours: Cost[] = [];
  const perf: Cost[] = [];
  const hasPerf = spawnSync("perf", ["--version"]).status === 0;
  for (let round = 0; round < rounds; round++) {
    plain.push({ wallMs: await doWork(), cpuMs: 0 });
    ours.push(await withOurs(rate));
    if (hasPerf) perf.push(await withPerf(rate, folder));
  }
  const slowdown = (costs: readonly Cost[]) =>
    median(costs.map(({ wallMs }) => wallMs)) / median(plain.map((cost) => cost.wallMs));
  const cpu = (costs: readonly Cost[]) => median(costs.map(({ cpuMs }) => cpuMs));
  const peerOf = (name: string, value: (costs: readonly Cost[]) => number) =>
    hasPerf ? { peer: { name, value: value(perf) } } : {};
  return [
    benchLine({
      bench: "profile",
      claim: `time of busy CPUs' work while all are profiled at ${rate} Hz, to their time alone`,
      unit: "×",
      value: slowdown(ours),
      ...peerOf("perf record -a -g", slowdown),
    }),
    benchLine({
      bench: "profile",
      claim: `CPU time of taking the profile at ${rate} Hz and naming its frames`,
      unit: "ms",
      value: cpu(ours),
      ...peerOf("perf record and perf script", cpu),
    }),
  ];
}

/** Milliseconds until all CPUs are through. */
async function doWork(): Promise<number> {
  const started = performance.now();
  const workers = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", work], { stdio: "ignore" }),
  );
  await Promise.all(workers.map(succeed));
  return performance.now() - started;
}

async function withOurs(samplesPerSecond: number): Promise<Cost> {
  const addon = createRequire(import.meta.url)(builtAddonPath());
  const before = process.cpuUsage();
  const profile = await openProfile(addon, { samplesPerSecond });
  const wallMs = await doWork();
  const taken = await profile.close();
  if (![...sumFolded(taken.stacks).keys()].some((stack) => stack.startsWith("node;")))
    throw new Error("the profile does not have the work");
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

async function withPerf(rate: number, folder: string): Promise<Cost> {
  const data = join(folder, "perf.data");
  // It records until cat has read everything, and tells when it began.
  const record = timed(`perf record -q -a -g -e cpu-clock -F ${rate} -o ${data} -- sh -c 'echo started; cat'`);
  await once(record.child.stdout as Readable, "data");
  const wallMs = await doWork();
  record.child.stdin?.end();
  const recordMs = await record.cpuMs;
  const script = timed(`perf script -i ${data} > /dev/null`);
  return { wallMs, cpuMs: recordMs + (await script.cpuMs) };
}

/** Runs a command line of bash, which prints the CPU time of the command on its last line. */
function timed(command: string): { child: ChildProcess; cpuMs: Promise<number> } {
  const child = spawn("bash", ["-c", `TIMEFORMAT='%U %S'; time { ${command}; }`], { stdio: ["pipe", "pipe", "pipe"] });
  const printed: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => printed.push(text));
  const cpuMs = succeed(child).then(() => {
    const times = printed.join("").trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
    return 1000 * times.reduce((sum, seconds) => sum + seconds, 0);
  });
  return { child, cpuMs };
}

async function succeed(child: ChildProcess): Promise<void> {
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${child.spawnfile} failed with status ${status}`);
}
