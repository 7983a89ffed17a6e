// What a run tells its hosts: the invocation, and later perhaps that it is cancelled.
import { randomUUID } from "node:crypto";
import type { Invocation } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { type CommandDraft, chunkTargets } from "./build-commands.js";
import type { RunOrder } from "./run-order.js";
import type { TargetHost } from "./run-record.js";
import type { TrackedRun } from "./tracked-run.js";

// So much of a run's time is kept for the answers' way back.
const returnShare = 0.1;
const maxReturnMs = 500;

/** One draft per chunk of the targets. */
export function draftCommands(order: RunOrder): CommandDraft[] {
  const runId = order.runId ?? randomUUID();
  const timeoutMilliseconds = Math.max(
    1,
    Math.round(order.timeoutMs - Math.min(maxReturnMs, order.timeoutMs * returnShare)),
  );
  const invocation = {
    $typeName: "systemsmanager.bus.v1.Invocation",
    method: order.operation.name,
    request: order.request,
    timeoutMilliseconds,
    ...(order.grant ? { grant: order.grant } : {}),
  } satisfies Invocation;
  const expiresAtMs = Date.now() + order.timeoutMs;
  return chunkTargets(order.targets, order.request.length).map((chunk) => ({
    commandId: randomUUID(),
    runId,
    hostIds: chunk.map((target) => target.hostId),
    action: { case: "invocation", value: invocation },
    expiresAtMs,
  }));
}

/** Tells the hosts that are still queued to stop; with the chunks of the invocation, because each was a command of its own. */
export function draftCancellations(
  { record, targets, request }: TrackedRun,
  queued: ReadonlySet<TargetHost>,
): CommandDraft[] {
  return chunkTargets(targets, request.length).flatMap((chunk, index) => {
    const hostIds = chunk.filter((target) => queued.has(target)).map((target) => target.hostId);
    const commandId = record.commandIds[index];
    if (hostIds.length === 0 || commandId === undefined) return [];
    return [
      {
        commandId: randomUUID(),
        runId: record.runId,
        hostIds,
        action: {
          case: "cancellation" as const,
          value: { $typeName: "systemsmanager.bus.v1.Cancellation" as const, commandId },
        },
        expiresAtMs: record.deadlineMs,
      },
    ];
  });
}
