// CPU use over a window, from two readings of /proc/stat.
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CpuUsageSchema } from "../../../gen/systemsmanager/telemetry/v1/system_pb.js";

/** Clock ticks of all CPUs together since boot, by mode. */
export interface CpuTimes {
  readonly user: number;
  readonly system: number;
  readonly idle: number;
  readonly iowait: number;
  readonly steal: number;
}

const windowMs = 200;

/** Parses /proc/stat. Guest time is a part of user time there, and nice time is counted as user time here. */
export function parseCpuTimes(text: string): CpuTimes {
  const found = /^cpu +(.+)$/m.exec(text);
  if (!found) throw new Error("/proc/stat has no cpu line");
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (found[1] as string)
    .trim()
    .split(/\s+/)
    .map(Number);
  return { user: user + nice, system: system + irq + softirq, idle, iowait, steal };
}

/** Logical CPUs online. */
export function countCpus(text: string): number {
  return text.match(/^cpu\d+ /gm)?.length ?? 0;
}

/** Shares of the time between two readings. The kernel may correct idle and iowait downwards; that counts as nothing. */
export function cpuUsageBetween(before: CpuTimes, after: CpuTimes): MessageInitShape<typeof CpuUsageSchema> {
  const spent = (mode: keyof CpuTimes) => Math.max(after[mode] - before[mode], 0);
  const total = spent("user") + spent("system") + spent("idle") + spent("iowait") + spent("steal");
  const share = (ticks: number) => (total === 0 ? 0 : ticks / total);
  return {
    utilization: share(total - spent("idle") - spent("iowait")),
    user: share(spent("user")),
    system: share(spent("system")),
    iowait: share(spent("iowait")),
    steal: share(spent("steal")),
  };
}

/** Measures over 200 ms. */
export async function measureCpuUsage(signal: AbortSignal): Promise<MessageInitShape<typeof CpuUsageSchema>> {
  const before = parseCpuTimes(await readFile("/proc/stat", "latin1"));
  await sleep(windowMs, undefined, { signal });
  return cpuUsageBetween(before, parseCpuTimes(await readFile("/proc/stat", "latin1")));
}
