// What a run is asked to do, and what is kept of that.
import { toBinary } from "@bufbuild/protobuf";
import type { Context } from "@opentelemetry/api";
import { type Grant, GrantSchema } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import type { Operation } from "../../shared/operations.js";
import type { TraceHeaders } from "../../tracing/trace-context.js";
import type { RunRecord, RunSubject, StateCounts, TargetHost } from "./run-record.js";

/** A run to start. */
export interface RunOrder {
  readonly operation: Operation;
  readonly request: Uint8Array;
  readonly selector: string;
  readonly principal: string;
  /** The frozen set. */
  readonly targets: readonly TargetHost[];
  readonly timeoutMs: number;
  /** How long the command may wait for hosts that are away; absent: no longer than the run waits for an answer. */
  readonly deliveryTimeoutMs?: number;
  /** With a change: the plan and the right to carry it out. */
  readonly planHash?: string;
  readonly grant?: Grant;
  /** The trace of whoever asked. */
  readonly trace?: Context;
  /** Chosen by the caller when it has to be known before. */
  readonly runId?: string;
  /** Nothing is sent at the start; whoever started the run dispatches its targets in parts. */
  readonly held?: boolean;
  /** Writes what has to stand or fall with the run, in the transaction that stores it; when it throws there is no run. */
  readonly claim?: () => void;
}

/** The record of a run that begins now. */
export function newRecord(order: RunOrder, runId: string): RunRecord {
  const startedAtMs = Date.now();
  const deadlineMs = startedAtMs + order.timeoutMs;
  return {
    runId,
    method: order.operation.name,
    selector: order.selector,
    principal: order.principal,
    planHash: order.planHash ?? "",
    startedAtMs,
    deadlineMs,
    deliverUntilMs: Math.max(deadlineMs, startedAtMs + (order.deliveryTimeoutMs ?? 0)),
    revision: 1,
    duplicateReplies: 0,
    lateReplies: 0,
    invalidReplies: 0,
    states: noStates(order.targets.length),
  };
}

/** What is kept beside the record, so that commands can be drafted at any time. */
export function subjectOf({ request, targets, grant }: RunOrder, trace: TraceHeaders = {}): RunSubject {
  return { request, targets, trace, ...(grant ? { grant: toBinary(GrantSchema, grant) } : {}) };
}

function noStates(targeted: number): StateCounts {
  const none = { ok: 0, failed: 0, denied: 0, expired: 0, cancelled: 0, noAnswer: 0, indeterminate: 0 };
  return { ...none, targeted, queued: targeted };
}
