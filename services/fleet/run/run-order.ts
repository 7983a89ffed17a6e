// What a run is asked to do, and what is kept of that.
import { randomUUID } from "node:crypto";
import type { Context } from "@opentelemetry/api";
import type { Grant } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import type { Operation } from "../../shared/operations.js";
import type { CommandDraft } from "./build-commands.js";
import type { RunRecord, StateCounts, TargetHost } from "./run-record.js";

/** A run to start. */
export interface RunOrder {
  readonly operation: Operation;
  readonly request: Uint8Array;
  readonly selector: string;
  readonly principal: string;
  /** The frozen set. */
  readonly targets: readonly TargetHost[];
  readonly timeoutMs: number;
  /** The trace of whoever asked. */
  readonly trace?: Context;
  /** With a change: the plan and the right to carry it out. */
  readonly planHash?: string;
  readonly grant?: Grant;
  /** Chosen by the caller when it has to be known before. */
  readonly runId?: string;
  /** Called once the run is sure to be admitted and before anything of it is stored or sent; when it throws there is no run. */
  readonly claim?: () => Promise<void>;
}

/** The record of a run that begins now. Without drafts nothing is sent. */
export function newRecord(order: RunOrder, drafts: readonly CommandDraft[]): RunRecord {
  const startedAtMs = Date.now();
  return {
    runId: drafts[0]?.runId ?? order.runId ?? randomUUID(),
    method: order.operation.name,
    selector: order.selector,
    principal: order.principal,
    planHash: order.planHash ?? "",
    commandIds: drafts.map((draft) => draft.commandId),
    startedAtMs,
    deadlineMs: drafts[0]?.expiresAtMs ?? startedAtMs + order.timeoutMs,
    revision: 1,
    duplicateReplies: 0,
    lateReplies: 0,
    invalidReplies: 0,
    states: noStates(order.targets.length),
  };
}

function noStates(targeted: number): StateCounts {
  const none = { ok: 0, failed: 0, denied: 0, expired: 0, cancelled: 0, noAnswer: 0, indeterminate: 0 };
  return { ...none, targeted, queued: targeted };
}
