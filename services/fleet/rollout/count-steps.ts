// Where rollouts stand, for those who watch the control plane as a whole.
import type { Rollout } from "./rollout.js";
import type { OpenRolloutStep } from "./rollout-record.js";

/** Rollouts that are not over, counted by their step. */
export function countSteps(
  open: Iterable<{ readonly rollout: Pick<Rollout, "record"> }>,
): Record<OpenRolloutStep, number> {
  const counts = { preparing: 0, sending: 0, waiting: 0, pausing: 0, checking: 0, halted: 0 };
  for (const { rollout } of open) {
    const { step } = rollout.record;
    if (step !== "finished" && step !== "aborted") counts[step]++;
  }
  return counts;
}
