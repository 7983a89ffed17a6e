// `--profile DIR`: CPU profiles of the measured calls alone, one file for each process of Node.js, and where their time went.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchProcess } from "./bench-process.js";
import { describeProfile } from "./describe-profile.js";
import { withDescendants } from "./process-usage.js";

const settleMs = 500;
const patienceMs = 60_000;

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
  const text = describeProfile(JSON.parse(readFileSync(path, "utf8")));
  writeFileSync(path.replace(/\.cpuprofile$/, ".txt"), text);
}
