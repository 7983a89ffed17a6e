// What a process and its children have used so far, as the kernel counts it: all threads, the ended ones too.
import { readdirSync, readFileSync } from "node:fs";
import { execaSync } from "execa";

/** Of the counters in /proc. */
export const millisecondsPerTick = 1000 / Number(execaSync("getconf", ["CLK_TCK"]).stdout);

/** CPU time, user and system, of these processes and of all below them that still run. */
export function cpuMilliseconds(pids: readonly number[]): number {
  const ticks = pids.flatMap(withDescendants).map(readTicks);
  return ticks.reduce((sum, count) => sum + count, 0) * millisecondsPerTick;
}

/** Resident memory of these processes and of all below them, in bytes. */
export function residentBytes(pids: readonly number[]): number {
  const sizes = pids.flatMap(withDescendants).map((pid) => {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes) * 1024;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The process and all below it. */
export function withDescendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "))
    .filter((child) => child !== "")
    .map(Number);
  return [pid, ...children.flatMap(withDescendants)];
}

// utime and stime are the 14th and 15th fields; the 2nd, the name, may hold spaces and ends with the last parenthesis.
function readTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
