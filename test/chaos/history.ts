// What happened in one epoch, as its clients saw it and as the simulated hosts wrote it down: everything that the checks look at.
import type { ErrorReason } from "../../services/gen/systemsmanager/errors/v1/error_reason_pb.js";
import type { HostState } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";

/** Hosts by state at one moment, as a client was told. */
export interface Account {
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

/** One host of an opened run. */
export interface HostView {
  readonly name: string;
  readonly state: HostState;
  /** Hexadecimal; empty without an answer. */
  readonly digest: string;
  /** True when its answer could be read. */
  readonly hasBody: boolean;
  readonly reason?: ErrorReason;
}

/** A run as GetRun and OpenResult give it at one moment. */
export interface RunView {
  /** "finished", "settled", "restarted". */
  readonly moment: string;
  readonly account: Account;
  /** Replies beside the sum. */
  readonly duplicateReplies: number;
  readonly lateReplies: number;
  readonly isFinished: boolean;
  readonly revision: number;
  readonly hosts: readonly HostView[];
}

export type RunKind = "read" | "plan" | "commit";

/** One run as its client lived through it. */
export interface RunHistory {
  /** Unique in the whole chaos run: "42/3 change 7". */
  readonly label: string;
  readonly kind: RunKind;
  readonly controlPlane: number;
  readonly requestedAtMs: number;
  readonly timeoutMs: number;
  /** True for a change in waves, which may halt by itself. */
  readonly isRollout: boolean;
  /** How long the command may wait for hosts that are away; 0: no longer than that. */
  readonly queueMs: number;
  /** What a change installs, which nothing else does: it tells whose an execution is. Empty for reads. */
  readonly subject: string;
  /** Of a commit. */
  readonly planHash?: string;
  /** Names; the plan's hosts of a commit, those of the selector otherwise. */
  readonly hosts: readonly string[];
  /** Set when RunStarted was seen: from then on the run must be accounted for. */
  acknowledgedAtMs?: number;
  runId?: string;
  targeted?: number;
  /** Of every progress event and the last one, in order. */
  readonly accounts: Account[];
  endedAtMs?: number;
  /** True when the stream ended with its last event. */
  completed: boolean;
  cancelRequestedAtMs?: number;
  /** Why the stream broke off, or the call was refused. */
  error?: string;
  readonly views: RunView[];
}

/** A change that a simulated host carried out. */
export interface ExecutionRecord {
  readonly host: string;
  readonly commandId: string;
  readonly subjects: readonly string[];
  readonly time: string;
}

/** A fault as it was done. */
export interface FaultRecord {
  readonly kind: string;
  readonly target: string;
  /** Names of the hosts that it can cut off or make fail. */
  readonly hosts: readonly string[];
  /**
   * What a run may lose by it. Late answers: nothing, once it has been over for a while within the run's time. Answers under way: as
   * that, for commands that wait for hosts that are away; everything that it touched, for others.
   */
  readonly excuses: "late answers" | "answers under way" | "any answer";
  readonly fromMs: number;
  /** When it was over, as far as the fault itself goes. */
  untilMs: number;
}

export interface EpochHistory {
  readonly seed: string;
  /** All hosts by name. */
  readonly hosts: readonly string[];
  readonly runs: readonly RunHistory[];
  readonly faults: readonly FaultRecord[];
  /** Hosts of the changes of earlier epochs, by what they install. */
  readonly orderedBefore: Readonly<Record<string, readonly string[]>>;
  /** Of this epoch and of those before. */
  readonly executions: readonly ExecutionRecord[];
  /** Processes that ended though nobody ended them, and what else the driver could not bring about. */
  readonly incidents: readonly string[];
}

/** A promise that was broken. */
export interface Violation {
  readonly check: string;
  /** The run, the host or the process. */
  readonly subject: string;
  readonly detail: string;
}
