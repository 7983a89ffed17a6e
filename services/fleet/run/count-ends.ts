// How runs end, for those who watch the control plane as a whole.
import type { FleetCounters, RunEnd } from "../fleet-counters.js";
import type { TrackedRun } from "./tracked-run.js";

/** Counts a run whose hosts all have a final state, and these states. What comes late is counted among the replies. */
export function countFinishedRun(counters: FleetCounters, run: TrackedRun): void {
  const { targeted: _, queued: __, ...ended } = run.account.counts();
  counters.runsEnded[endOf(ended)]++;
  for (const state of Object.keys(ended) as (keyof typeof ended)[]) counters.hostsEnded[state] += ended[state];
}

function endOf({ cancelled, noAnswer }: { readonly cancelled: number; readonly noAnswer: number }): RunEnd {
  if (cancelled > 0) return "cancelled";
  return noAnswer > 0 ? "partial" : "answered";
}
