// A trace filter as the capture engine takes it.
import { stat } from "node:fs/promises";
import type { TraceFilter } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { CaptureFilter } from "../capture/open-capture.js";
import { isVanished } from "../procfs/proc-error.js";

/** Throws UNKNOWN_PROCESS for a process that is not there, INVALID_ARGUMENT for a network that is none. */
export async function toCaptureFilter(filter: TraceFilter | undefined): Promise<CaptureFilter> {
  if (!filter) return {};
  const { pids, roots, cgroupIds, userIds, comms, paths, ports, networks } = filter;
  for (const pid of [...pids, ...roots]) await requireProcess(pid);
  return { pids, roots, cgroups: cgroupIds, users: userIds, comms, paths, ports, networks };
}

async function requireProcess(pid: number): Promise<void> {
  try {
    await stat(`/proc/${pid}`);
  } catch (error) {
    if (!isVanished(error)) throw error;
    throw failure(ErrorReason.UNKNOWN_PROCESS, `there is no process ${pid}, so it cannot be traced`, {
      metadata: { pid: String(pid) },
      remedy: "list the processes of the host and choose one of these",
      cause: error,
    });
  }
}
