// A process of the kernel as the proto has it.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ProcessSchema, ProcessState } from "../../../gen/systemsmanager/telemetry/v1/process_pb.js";
import { type BootClock, kernelUnits, startTimestamp } from "../procfs/clock.js";
import type { RawProcess } from "../procfs/proc-source.js";
import { type UserNames, userName } from "../procfs/users.js";

const states: Readonly<Record<string, ProcessState>> = {
  R: ProcessState.RUNNING,
  S: ProcessState.SLEEPING,
  D: ProcessState.DISK_SLEEP,
  T: ProcessState.STOPPED,
  t: ProcessState.TRACED,
  Z: ProcessState.ZOMBIE,
  I: ProcessState.IDLE,
  X: ProcessState.DEAD,
  x: ProcessState.DEAD,
  // Older kernels: parked is a sleep of a kernel thread, wakekill and waking are passing moments of a sleep.
  P: ProcessState.SLEEPING,
  K: ProcessState.SLEEPING,
  W: ProcessState.SLEEPING,
};

/** The state of the kernel's letter. */
export function processState(letter: string): ProcessState {
  return states[letter] ?? ProcessState.UNSPECIFIED;
}

/** CPU time in seconds. */
export function cpuSeconds(times: { readonly userTicks: number; readonly systemTicks: number }): number {
  return (times.userTicks + times.systemTicks) / kernelUnits().ticksPerSecond;
}

/** CPU use averaged over the life of the process: 1 is one busy CPU. */
export function lifetimeCpuUsage(process: RawProcess, uptimeSeconds: number): number {
  const { ticksPerSecond } = kernelUnits();
  // A process of this very tick has no age yet; one tick keeps the ratio finite.
  const ageSeconds = Math.max(uptimeSeconds - process.startTicks / ticksPerSecond, 1 / ticksPerSecond);
  return cpuSeconds(process) / ageSeconds;
}

/** The message for one process. */
export function describeProcess(
  process: RawProcess,
  clock: BootClock,
  users: UserNames,
): MessageInitShape<typeof ProcessSchema> {
  return {
    pid: process.pid,
    parentPid: process.parentPid,
    name: process.name,
    argv: [...process.argv],
    user: userName(users, process.userId),
    state: processState(process.state),
    cpuSeconds: cpuSeconds(process),
    cpuUsage: lifetimeCpuUsage(process, clock.uptimeSeconds),
    rssBytes: BigInt(process.residentBytes),
    startTime: startTimestamp(clock, process.startTicks),
    threadCount: process.threadCount,
  };
}
