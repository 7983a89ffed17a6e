// What an epoch of chaos will do, all of it drawn from its seed before anything begins.

/** Things that can be broken, and how. Each is one value in world/faults. */
export const faultKinds = [
  "broker restart",
  "broker kill",
  "broker pause",
  "relay kill",
  "relay pause",
  "relay drain",
  "control plane kill",
  "control plane pause",
  "control plane stop",
  "daemons kill",
  "daemons pause",
  "commands dropped",
  "messages doubled",
  "messages reordered",
  "messages late",
  "slow changes",
  "clock skew",
  "disk full",
  "slow consumer",
  "hosts killed",
  "crash after change",
  "changes refused",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** What a run's client sees, and a fault can wait for. */
export type ChaosEvent = "acknowledged" | "progressed" | "planned" | "committed" | "executed";

/** When a fault begins: so long after the epoch's begin, or at the n-th event of a kind in it. */
export type Trigger =
  | { readonly at: "time"; readonly atMs: number }
  | { readonly at: "event"; readonly event: ChaosEvent; readonly count: number };

export interface PlannedFault {
  readonly kind: FaultKind;
  readonly trigger: Trigger;
  readonly lastsMs: number;
  /** Picks the broker, relay, control plane or emulator: taken modulo their number. */
  readonly target: number;
}

/** Which hosts: everything, one emulator's share by label, or some by name. */
export type PlannedSelector =
  | { readonly by: "all" }
  | { readonly by: "label"; readonly group: number }
  | { readonly by: "names"; readonly indexes: readonly number[] };

/** Waves of a commit: one host first, then so many at a time. */
export interface PlannedRollout {
  readonly canary: number;
  readonly batch: number;
  readonly maxFailed: number;
  /** Whether it is resumed once when it halts. */
  readonly isResumed: boolean;
}

/** One order of a client: a question, or a change with its plan before it. */
export interface PlannedOrder {
  readonly atMs: number;
  readonly kind: "read" | "change";
  /** True for a change whose plan is made before the epoch's clock starts; `atMs` is then that of its commit. */
  readonly isPlannedAhead: boolean;
  /** Taken modulo the number of control planes. */
  readonly controlPlane: number;
  readonly selector: PlannedSelector;
  /** Name of a read operation; empty for a change. */
  readonly operation: string;
  readonly timeoutMs: number;
  /** How much longer the command may wait for hosts that are away; 0: no longer. */
  readonly queueMs: number;
  /** Cancelled so long after it was acknowledged. */
  readonly cancelAfterMs?: number;
  readonly rollout?: PlannedRollout;
}

export interface EpochSchedule {
  readonly seed: string;
  readonly faults: readonly PlannedFault[];
  readonly orders: readonly PlannedOrder[];
  /** When the last fault is ended whatever its length says. */
  readonly faultsEndMs: number;
  /** The control plane that is killed when all has settled, and started again before the last look; absent: none. */
  readonly lastKill?: number;
}
