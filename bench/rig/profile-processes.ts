// `--profile DIR`: CPU profiles of the measured calls alone, one file for each process of Node.js, and where their time went.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchProcess } from "./bench-process.js";
import { withDescendants } from "./process-usage.js";

interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const settleMs = 500;
const patienceMs = 60_000;
const shownFunctions = 40;

/** Profiles these processes and those below them during `work`. Without a directory it only does the work. */
export async function withProfiles<Value>(
  directory: string | undefined,
  processes: readonly BenchProcess[],
  work: () => Promise<Value>,
): Promise<Value> {
  if (directory === undefined) return work();
  mkdirSync(directory, { recursive: true });
  const former = profilesIn(directory).length;
  const pids = processes.flatMap(({ pid }) => withDescendants(pid));
  const signalAll = () => {
    for (const pid of pids) process.kill(pid, "SIGUSR2");
  };
  signalAll();
  await sleep(settleMs);
  const value = await work();
  signalAll();
  for (const start = performance.now(); profilesIn(directory).length < former + pids.length; await sleep(settleMs))
    if (performance.now() - start > patienceMs) throw new Error(`not every process wrote its profile to ${directory}`);
  await sleep(settleMs);
  for (const file of profilesIn(directory)) writeTop(join(directory, file));
  return value;
}

function profilesIn(directory: string): string[] {
  return readdirSync(directory).filter((file) => file.endsWith(".cpuprofile"));
}

function writeTop(path: string): void {
  writeFileSync(path.replace(/\.cpuprofile$/, ".txt"), describeTop(JSON.parse(readFileSync(path, "utf8"))));
}

/** Functions by the time spent in themselves, as text. */
function describeTop({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) as string;
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] as number) / 1000);
  }
  const idle = times.get("(idle)") ?? 0;
  times.delete("(idle)");
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, shownFunctions);
  const lines = rows.map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`);
  return `busy ${Math.round(busy)} ms, idle ${Math.round(idle)} ms\n${lines.join("\n")}\n`;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const place = url === "" ? "" : ` ${url.replace(/^.*\/(?=(dist|node_modules)\/)/, "")}:${lineNumber + 1}`;
  return `${functionName || "(anonymous)"}${place}`;
}
