// GetProcess: one process in depth, or all with one name.
import { geteuid } from "node:process";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AncestorSchema,
  GetProcessRequest,
  ProcessDetailsSchema,
} from "../../../gen/systemsmanager/telemetry/v1/process_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { untilAborted } from "../../../shared/until-aborted.js";
import type { OperationHandler } from "../../os-provider.js";
import { type BootClock, readBootClock } from "../procfs/clock.js";
import type { ProcSource, RawProcess } from "../procfs/proc-source.js";
import { readUserNames, type UserNames } from "../procfs/users.js";
import { describeProcess } from "./describe-process.js";
import { readProcessParts } from "./read-details.js";

const defaultLimit = 50;
const maxProcesses = 16;

/** Looks into processes of this source. */
export function createGetProcess(
  source: ProcSource,
): OperationHandler<(typeof TelemetryService)["method"]["getProcess"]> {
  return async (request, { signal }) => {
    const targets = await untilAborted(findTargets(source, request), signal);
    const readable = refuseForeign(targets, request);
    const shown = readable.slice(0, maxProcesses);
    const [clock, users] = await Promise.all([readBootClock(), readUserNames()]);
    const details = [];
    for (const target of shown) {
      const read = readDetails(source, target, request.limit || defaultLimit, clock, users);
      const found = await untilAborted(read, signal);
      if (found) details.push(found);
    }
    if (details.length === 0) throw unknownProcess(request);
    return { processes: details, omittedCount: targets.length - shown.length };
  };
}

async function findTargets(source: ProcSource, { target }: GetProcessRequest): Promise<readonly RawProcess[]> {
  if (target.case === "pid") return (await source.readProcesses([target.value])).processes;
  const { processes } = await source.readProcesses();
  return processes.filter((process) => process.name === target.value);
}

/** The targets that may be looked into. Throws when there is none, or none of them. */
function refuseForeign(targets: readonly RawProcess[], request: GetProcessRequest): readonly RawProcess[] {
  if (targets.length === 0) throw unknownProcess(request);
  const self = geteuid?.() ?? 0;
  const own = self === 0 ? targets : targets.filter((target) => target.userId === self);
  if (own.length > 0) return own;
  throw failure(ErrorReason.PRIVILEGE_MISSING, `${describeTarget(request)} belongs to another user than the daemon's`, {
    metadata: { needs: "root" },
    remedy: "run the daemon as root",
  });
}

/** Undefined when the process ended meanwhile, or another took its pid. */
async function readDetails(
  source: ProcSource,
  process: RawProcess,
  limit: number,
  clock: BootClock,
  users: UserNames,
): Promise<MessageInitShape<typeof ProcessDetailsSchema> | undefined> {
  const [parts, ancestry] = await Promise.all([readProcessParts(process, limit), readAncestry(source, process)]);
  const [after] = (await source.readProcesses([process.pid])).processes;
  if (after?.startTicks !== process.startTicks) return undefined;
  return { ...parts, process: describeProcess(after, clock, users), ancestry };
}

async function readAncestry(
  source: ProcSource,
  process: RawProcess,
): Promise<MessageInitShape<typeof AncestorSchema>[]> {
  const ancestry: MessageInitShape<typeof AncestorSchema>[] = [];
  // A pid seen twice means that a parent ended during the walk and its pid was given away.
  const seen = new Set([process.pid]);
  for (let pid = process.parentPid; pid !== 0 && !seen.has(pid); ) {
    seen.add(pid);
    const [parent] = (await source.readProcesses([pid])).processes;
    if (!parent) break;
    ancestry.push({ pid, name: parent.name });
    pid = parent.parentPid;
  }
  return ancestry;
}

function unknownProcess(request: GetProcessRequest) {
  const { target } = request;
  return failure(ErrorReason.UNKNOWN_PROCESS, `there is no ${describeTarget(request)}`, {
    metadata: { pid: target.case === "pid" ? String(target.value) : "" },
    remedy:
      target.case === "pid"
        ? "list the processes for the pids that exist"
        : "give the exact name, as the process list shows it, at most 15 bytes",
  });
}

function describeTarget({ target }: GetProcessRequest): string {
  return target.case === "pid" ? `process ${target.value}` : `process named ${JSON.stringify(target.value)}`;
}
