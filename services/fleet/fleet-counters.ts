// What happened in this control plane since it started, and what is under way. Every number of the counters only grows.
import type { OpenRolloutStep } from "./rollout/rollout-record.js";
import type { RunGauges } from "./run/run-manager.js";
import type { StateCounts } from "./run/run-record.js";

/** Every host answered; some gave no answer; some were cancelled; or its end could not be stored. */
export type RunEnd = "answered" | "partial" | "cancelled" | "unstored";

export interface FleetCounters {
  /** Those included that go on after a restart. */
  runsStarted: number;
  /** Because too many went on already. */
  runsRefused: number;
  readonly runsEnded: Record<RunEnd, number>;
  /** States that hosts had when their runs ended. */
  readonly hostsEnded: Record<Exclude<keyof StateCounts, "targeted" | "queued">, number>;
  /** Command messages published for the first time. */
  commandsSent: number;
  /** Hosts that were sent a command again. */
  commandsSentAgain: number;
  repliesAccounted: number;
  repliesLate: number;
  repliesDuplicate: number;
  repliesInvalid: number;
  /** Replies to runs that are not kept here. */
  repliesUnknownRun: number;
  /** Messages that hold no replies. */
  replyMessagesMalformed: number;
  /** Batches of answers that were written to disk, each as one row. */
  storageBatches: number;
}

/** What is under way. */
export interface FleetGauges extends RunGauges {
  /** Hosts of the inventory. */
  readonly hostsOnline: number;
  readonly hostsOffline: number;
  /** Rollouts that are not over, by their step. */
  readonly rollouts: Readonly<Record<OpenRolloutStep, number>>;
}

export function newFleetCounters(): FleetCounters {
  return {
    runsStarted: 0,
    runsRefused: 0,
    runsEnded: { answered: 0, partial: 0, cancelled: 0, unstored: 0 },
    hostsEnded: { ok: 0, failed: 0, denied: 0, expired: 0, cancelled: 0, noAnswer: 0, indeterminate: 0 },
    commandsSent: 0,
    commandsSentAgain: 0,
    repliesAccounted: 0,
    repliesLate: 0,
    repliesDuplicate: 0,
    repliesInvalid: 0,
    repliesUnknownRun: 0,
    replyMessagesMalformed: 0,
    storageBatches: 0,
  };
}
