// ListProcesses: filter, sort and cut on the host.
import { type ListProcessesRequest, ProcessOrder } from "../../../gen/systemsmanager/telemetry/v1/process_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { compilePattern } from "../../../shared/pattern.js";
import { untilAborted } from "../../../shared/until-aborted.js";
import type { OperationHandler } from "../../os-provider.js";
import { readBootClock } from "../procfs/clock.js";
import type { ProcSource, RawProcess } from "../procfs/proc-source.js";
import { readUserNames, type UserNames, userName } from "../procfs/users.js";
import { describeProcess, lifetimeCpuUsage } from "./describe-process.js";

const defaultLimit = 50;

/** Lists processes of this source. */
export function createListProcesses(
  source: ProcSource,
): OperationHandler<(typeof TelemetryService)["method"]["listProcesses"]> {
  return async (request, { signal }) => {
    const matches = compileFilter(request);
    const reads = Promise.all([source.readProcesses(), readBootClock(), readUserNames()]);
    const [table, clock, users] = await untilAborted(reads, signal);
    const matched = table.processes.filter((process) => matches(process, users));
    const shown = sortProcesses(matched, request.order, clock.uptimeSeconds).slice(0, request.limit || defaultLimit);
    return {
      processes: shown.map((process) => describeProcess(process, clock, users)),
      matchedCount: matched.length,
      omittedCount: matched.length - shown.length,
      unseenCount: table.unseenCount,
    };
  };
}

function compileFilter(request: ListProcessesRequest): (process: RawProcess, users: UserNames) => boolean {
  const matchesPattern = compilePattern(request.pattern);
  return (process, users) =>
    (request.user === "" || userName(users, process.userId) === request.user) &&
    (request.pattern === "" || matchesPattern(process.name) || matchesPattern(process.argv.join(" ")));
}

/** Greatest first; equals by pid, so that the same table gives the same rows. */
export function sortProcesses(
  processes: readonly RawProcess[],
  order: ProcessOrder,
  uptimeSeconds: number,
): RawProcess[] {
  const weigh = weightOf(order, uptimeSeconds);
  return processes
    .map((process) => ({ process, weight: weigh(process) }))
    .sort((a, b) => b.weight - a.weight || a.process.pid - b.process.pid)
    .map(({ process }) => process);
}

function weightOf(order: ProcessOrder, uptimeSeconds: number): (process: RawProcess) => number {
  switch (order) {
    case ProcessOrder.MEMORY:
      return (process) => process.residentBytes;
    case ProcessOrder.START_TIME:
      return (process) => process.startTicks;
    default:
      return (process) => lifetimeCpuUsage(process, uptimeSeconds);
  }
}
