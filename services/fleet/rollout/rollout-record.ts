// What is kept of a rollout. It is on disk before each step is taken, so that a restart goes on in the same step.
import type { HaltReason } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Resume } from "./next-step.js";
import type { RolloutPolicy } from "./rollout-policy.js";

/**
 * The steps of a wave, in order: its services are listed as they are before (preparing), it is sent, its hosts answer (waiting), it is
 * left alone (pausing), its health is asked (checking). Then the next wave begins, or the rollout is halted or finished.
 */
export type RolloutStep = "preparing" | "sending" | "waiting" | "pausing" | "checking" | RolloutRest;

/** Steps in which nothing goes on. */
export type RolloutRest = "halted" | "finished" | "aborted";

/** Steps of a rollout that is not over. */
export type OpenRolloutStep = Exclude<RolloutStep, "finished" | "aborted">;

/** Why a rollout halted, was aborted, or finished above its budget. */
export interface RolloutHalt {
  readonly reason: HaltReason;
  /** What the control plane could not do; empty with every other reason. */
  readonly problem: string;
  /** What a resume goes on with. */
  readonly next: "same step" | "next wave";
  readonly step: RolloutStep;
}

/** One rollout, by the id of its run. */
export interface RolloutRecord {
  readonly runId: string;
  readonly policy: RolloutPolicy;
  readonly expiresAtMs: number;
  /** How long the hosts of a wave may take. */
  readonly waveTimeoutMs: number;
  /** Spans of indexes into the run's targets, for each wave. */
  readonly waves: readonly (readonly number[])[];
  /** The present wave, from 0. */
  readonly wave: number;
  readonly step: RolloutStep;
  /** The read of the present step, a run of its own; chosen before it is started, "" while it is not. */
  readonly readRunId: string;
  /** The read that told how the present wave's hosts were before it; "" without one. */
  readonly beforeRunId: string;
  /** When the present pause is over; 0 before it. */
  readonly pauseUntilMs: number;
  /** Hosts whose health check failed, in any wave. */
  readonly unhealthy: readonly number[];
  /** Hosts that counted when a resume accepted them. */
  readonly accepted: readonly number[];
  /** Hosts that counted at the last judgement, without those accepted. */
  readonly counted: readonly number[];
  readonly halt?: RolloutHalt;
  /** How often it has halted. */
  readonly haltCount: number;
  /** Who agreed to go on, and when; in order. */
  readonly resumes: readonly Resume[];
}
