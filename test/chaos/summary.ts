// What a chaos run comes to: how much was done, how it ended, and what was broken.
import { HostState } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { executionsBySubject } from "./check/executions.js";
import type { EpochHistory, Violation } from "./history.js";

export interface ChaosSummary {
  epochs: number;
  /** Acknowledged ones. */
  runs: number;
  /** Asked for, and never begun. */
  refusedRuns: number;
  /** Begun, and no client was told: its connection broke before, or they are health checks of waves. */
  untoldRuns: number;
  /** Hosts of the acknowledged runs, added up. */
  hostRuns: number;
  /** Of these, by their last state. */
  readonly states: Record<string, number>;
  duplicateReplies: number;
  lateReplies: number;
  /** Changes that hosts carried out. */
  executions: number;
  readonly faults: Record<string, number>;
  violations: number;
  /** Where logs and histories are. */
  readonly directory: string;
}

/** Of nothing yet. */
export function createSummary(directory: string): ChaosSummary {
  const counts = {
    epochs: 0,
    runs: 0,
    refusedRuns: 0,
    untoldRuns: 0,
    hostRuns: 0,
    duplicateReplies: 0,
    lateReplies: 0,
    executions: 0,
  };
  return { ...counts, states: {}, faults: {}, violations: 0, directory };
}

/** Adds an epoch and what was found in it. */
export function addEpoch(
  summary: ChaosSummary,
  history: EpochHistory & { readonly violations: readonly Violation[] },
): void {
  const acknowledged = history.runs.filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== undefined);
  summary.epochs++;
  summary.runs += acknowledged.length;
  summary.refusedRuns += history.runs.filter(({ runId }) => runId === undefined).length;
  summary.untoldRuns += history.runs.filter((run) => run.runId !== undefined && !acknowledged.includes(run)).length;
  summary.hostRuns += acknowledged.reduce((sum, { hosts }) => sum + hosts.length, 0);
  for (const last of acknowledged.flatMap(({ views }) => views.at(-1) ?? [])) {
    for (const { state } of last.hosts) count(summary.states, HostState[state]);
    summary.duplicateReplies += last.duplicateReplies;
    summary.lateReplies += last.lateReplies;
  }
  // Executions are those since the first epoch.
  const counts = [...executionsBySubject(history).values()].flatMap((hosts) => [...hosts.values()]);
  summary.executions = counts.reduce((sum, times) => sum + times, 0);
  for (const { kind } of history.faults) count(summary.faults, kind);
  summary.violations += history.violations.length;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
