// What counting in the kernel costs the program that is counted: CPU time of each of its calls while ours counts, beside bpftrace
// that counts the same with count(), and beside nobody. Rounds alternate; both must have counted every call.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { AggregationQuestion } from "../services/providers/linux/aggregate/aggregation-question.js";
import { openAggregation } from "../services/providers/linux/aggregate/open-aggregation.js";
import { builtAddonPath } from "../services/providers/linux/native.js";
import { findPackageRoot } from "../services/shared/package-root.js";
import { settled } from "../services/shared/settled.js";
import { type BenchLine, benchLine, median } from "./bench-line.js";
import { withTraceEvents } from "./peers/trace-peers.js";

const rounds = 7;
const program = "call_storm";

interface Contest {
  readonly claim: string;
  readonly call: "getppid" | "open";
  readonly times: number;
  readonly question: AggregationQuestion;
  readonly script: string;
  /** Of the row that counts the storm. */
  readonly keyOf: (file: string) => string;
}

const contests: readonly Contest[] = [
  {
    claim: "system calls counted by name of the process",
    call: "getppid",
    times: 1_000_000,
    question: { source: "syscall", by: "comm", measure: "count" },
    script: "tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }",
    keyOf: () => program,
  },
  {
    claim: "latency of system calls as a histogram",
    call: "getppid",
    times: 1_000_000,
    question: { source: "syscall", by: "comm", measure: "latency" },
    script:
      "tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; } " +
      "tracepoint:raw_syscalls:sys_exit /@start[tid]/ { @slots[comm] = hist(nsecs - @start[tid]); @[comm] = count(); delete(@start[tid]); }",
    keyOf: () => program,
  },
  {
    claim: "opens of files counted by name of the process",
    call: "open",
    times: 200_000,
    question: { source: "fileOpen", by: "comm", measure: "count" },
    script: "tracepoint:syscalls:sys_exit_openat { @[comm] = count(); }",
    keyOf: () => program,
  },
  {
    claim: "opens of files counted by path",
    call: "open",
    times: 200_000,
    question: { source: "fileOpen", by: "path", measure: "count" },
    script: "tracepoint:syscalls:sys_enter_openat { @[str(args->filename)] = count(); }",
    keyOf: (file) => file,
  },
];

export async function run(): Promise<BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), "systems-manager-bench-counts-"));
  try {
    const source = fileURLToPath(new URL(`bench/peers/${program}.cc`, findPackageRoot()));
    const built = spawnSync("c++", ["-std=c++17", "-O2", "-o", join(folder, program), source], { encoding: "utf8" });
    if (built.status !== 0) throw new Error(`the storm cannot be built: ${built.stderr}`);
    writeFileSync(join(folder, "file"), "");
    const lines: BenchLine[] = [];
    for (const contest of contests) lines.push(await compare(contest, folder));
    return lines;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compare(contest: Contest, folder: string): Promise<BenchLine> {
  const hasPeer = spawnSync("bpftrace", ["--version"]).status === 0;
  const alone: number[] = [];
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await storm(contest, folder));
    ours.push(await whileCounted(contest, folder));
    if (hasPeer) peer.push(await whilePeerCounts(contest, folder));
  }
  const added = (costs: readonly number[]) => median(costs) - median(alone);
  return benchLine({
    bench: "in-kernel-counts",
    claim: `CPU time that each ${contest.call} takes longer than its ${Math.round(median(alone))} ns: ${contest.claim}`,
    unit: "ns",
    value: added(ours),
    ...(hasPeer ? { peer: { name: "bpftrace", value: added(peer) }, goal: "ratio <= 1" } : {}),
  });
}

/** Nanoseconds of CPU time of each call. */
async function storm({ call, times }: Contest, folder: string): Promise<number> {
  const child = spawn(join(folder, program), [call, String(times), join(folder, "file")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${program} ${call} ended with status ${status}`);
  return Number(printed);
}

async function whileCounted(contest: Contest, folder: string): Promise<number> {
  const aggregation = await openAggregation(createRequire(import.meta.url)(builtAddonPath()), contest.question);
  const cost = await storm(contest, folder);
  const { rows } = await aggregation.close();
  const key = contest.keyOf(join(folder, "file"));
  requireAll("ours", rows.find(({ key: { text } }) => text === key)?.count ?? 0, contest);
  return cost;
}

async function whilePeerCounts(contest: Contest, folder: string): Promise<number> {
  const [program = "", ...words] = [...withTraceEvents, "bpftrace", "-e", contest.script];
  const peer = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  peer.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ended = once(peer, "close").then(() => {
    throw new Error(`bpftrace ended before it counted: ${contest.script}`);
  });
  await Promise.race([once(peer.stdout, "data"), ended]);
  // From here on its end is asked for.
  void settled(ended);
  // It says when it begins to attach.
  await sleep(1_000);
  const cost = await storm(contest, folder);
  peer.kill("SIGINT");
  await once(peer, "close");
  const row = printed.split("\n").find((line) => line.startsWith(`@[${contest.keyOf(join(folder, "file"))}]: `));
  requireAll("bpftrace", Number(row?.split("]: ")[1] ?? 0), contest);
  return cost;
}

function requireAll(who: string, counted: number, { times, claim }: Contest): void {
  if (counted < times) throw new Error(`${who} counted ${counted} of ${times}: ${claim}`);
}
