// What is kept of a run: its record, its frozen targets, the commands it sent and what each target answered.
import type { ErrorReason } from "../../gen/systemsmanager/errors/v1/error_reason_pb.js";
import type { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { TraceHeaders } from "../../tracing/trace-context.js";

/** A run without its hosts; small, because it is written again with every count. */
export interface RunRecord {
  readonly runId: string;
  /** Operation name. */
  readonly method: string;
  readonly selector: string;
  readonly principal: string;
  /** Hexadecimal; empty for reads and dry runs. */
  readonly planHash: string;
  readonly startedAtMs: number;
  /** When hosts that are there are not waited for any longer. */
  readonly deadlineMs: number;
  /** When hosts that are away are not waited for any longer either; never before the deadline. */
  readonly deliverUntilMs: number;
  /** When its caller could be answered: no host was waited for but those that are away. */
  concludedAtMs?: number;
  /** When every host had a final state. */
  finishedAtMs?: number;
  revision: number;
  duplicateReplies: number;
  lateReplies: number;
  invalidReplies: number;
  /** Hosts by state when the record was written; the run's account is what holds while it is in memory. */
  readonly states: StateCounts;
}

/** The accounting identity in numbers: targeted is the sum of the others. */
export interface StateCounts {
  readonly targeted: number;
  readonly ok: number;
  readonly failed: number;
  readonly denied: number;
  readonly expired: number;
  readonly queued: number;
  readonly cancelled: number;
  readonly noAnswer: number;
  readonly indeterminate: number;
}

/** A host of a run's frozen set, with its name at that time. Sets are sorted by host id. */
export interface TargetHost {
  readonly hostId: string;
  readonly name: string;
}

/** What was asked of whom; written once. */
export interface RunSubject {
  /** Encoded request, as sent. */
  readonly request: Uint8Array;
  /** The frozen set. */
  readonly targets: readonly TargetHost[];
  /** With a change: the encoded bus.v1.Grant that each of its commands carries. */
  readonly grant?: Uint8Array;
  /** Trace context of the run's span, which each of its commands carries on the bus; empty without a trace. */
  readonly trace?: TraceHeaders;
}

/** An invocation for some targets of a run; on disk before it is sent. */
export interface CommandRecord {
  readonly commandId: string;
  /** The encoded bus.v1.SignedCommand: it is sent, and sent again, byte for byte. */
  readonly signed: Uint8Array;
  /** Its targets, as spans of indexes into the run's. */
  readonly spans: readonly number[];
  /** How long its hosts have. */
  readonly timeoutMs: number;
  /** When its hosts are not waited for any longer, if they are there. */
  readonly deadlineMs: number;
  /** When hosts refuse it. */
  readonly expiresAtMs: number;
}

/** Why a host did not answer OK. */
export interface HostProblem {
  readonly reason: ErrorReason;
  /** Cleaned. */
  readonly message: string;
  readonly remedy: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The present state of one host in one run. */
export interface HostAnswer {
  readonly state: HostState;
  /** True when the host said so itself; false when the control plane closed its account. */
  readonly answered: boolean;
  /** SHA-256 of the response, hexadecimal; only with OK. */
  readonly digest?: string;
  /** With every state but OK. */
  readonly problem?: HostProblem;
  /** Between the host's receipt of the command and its answer. */
  readonly durationMs?: number;
}
