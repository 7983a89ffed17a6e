// What a run tells its hosts: the invocation, and later perhaps that it is cancelled.
import { randomUUID } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { GrantSchema, type Invocation } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type CommandIssuer, maxTargets, type SignedDraft, signDraft } from "./build-commands.js";
import type { CommandRecord, RunRecord, RunSubject, TargetHost } from "./run-record.js";
import { indexesOf, toSpans } from "./spans.js";
import { targetsOf } from "./target-set.js";
import type { TrackedRun } from "./tracked-run.js";

// So much of a run's time is kept for the answers' way back.
const returnShare = 0.1;
const maxReturnMs = 500;

/** Which targets a command is for, and how long they have. */
export interface DispatchOrder {
  /** Ascending. */
  readonly indexes: readonly number[];
  readonly timeoutMs: number;
}

/** The signed invocations for these targets: one per chunk of them. */
export function draftCommands(
  issuer: CommandIssuer,
  { runId, method, deadlineMs: runDeadlineMs, deliverUntilMs }: RunRecord,
  { request, targets, grant }: RunSubject,
  { indexes, timeoutMs }: DispatchOrder,
): CommandRecord[] {
  const invocation = {
    $typeName: "systemsmanager.bus.v1.Invocation",
    method,
    request,
    timeoutMilliseconds: Math.max(1, Math.round(timeoutMs - Math.min(maxReturnMs, timeoutMs * returnShare))),
    ...(grant ? { grant: fromBinary(GrantSchema, grant) } : {}),
  } satisfies Invocation;
  const deadlineMs = Date.now() + timeoutMs;
  const expiresAtMs = deliverUntilMs > runDeadlineMs ? Math.max(deadlineMs, deliverUntilMs) : deadlineMs;
  return chunks(indexes, maxTargets(request.length)).map((chunk) => {
    const record = {
      commandId: randomUUID(),
      spans: toSpans(chunk),
      timeoutMs,
      deadlineMs,
      expiresAtMs,
      signed: new Uint8Array(),
    };
    const action = { case: "invocation" as const, value: invocation };
    const draft = { commandId: record.commandId, runId, targets: targetsOf(targets, record), action, expiresAtMs };
    return { ...record, signed: signDraft(issuer, draft) };
  });
}

/** A cancellation and whom it tells. */
export interface DraftedCancellation {
  readonly command: SignedDraft;
  readonly targets: readonly TargetHost[];
}

/** Tells the hosts that are still queued to stop, command by command. */
export function draftCancellations(issuer: CommandIssuer, run: TrackedRun): DraftedCancellation[] {
  const { runId } = run.record;
  return run.commands.all.flatMap(({ commandId, spans, expiresAtMs }) => {
    const queued = indexesOf(spans).filter((index) => run.account.stateOf(index) === HostState.QUEUED);
    const targets = queued.flatMap((index) => run.targets[index] ?? []);
    if (targets.length === 0) return [];
    const value = { $typeName: "systemsmanager.bus.v1.Cancellation" as const, commandId };
    const action = { case: "cancellation" as const, value };
    const draft = { commandId: randomUUID(), runId, targets, action, expiresAtMs };
    return [{ command: { runId, signed: signDraft(issuer, draft), expiresAtMs, headers: run.subject.trace }, targets }];
  });
}

function chunks(indexes: readonly number[], size: number): (readonly number[])[] {
  return Array.from({ length: Math.ceil(indexes.length / size) }, (_, part) =>
    indexes.slice(part * size, (part + 1) * size),
  );
}
