import { expect, test } from "vitest";
import { countSteps } from "../../../services/fleet/rollout/count-steps.js";
import type { RolloutRecord, RolloutStep } from "../../../services/fleet/rollout/rollout-record.js";

const at = (step: RolloutStep) => ({ rollout: { record: { step } as RolloutRecord } });
const none = { preparing: 0, sending: 0, waiting: 0, pausing: 0, checking: 0, halted: 0 };

test.each<[RolloutStep[], Partial<typeof none>]>([
  [[], {}],
  [["halted", "sending", "halted"], { halted: 2, sending: 1 }],
  [["preparing", "waiting", "pausing", "checking"], { preparing: 1, waiting: 1, pausing: 1, checking: 1 }],
  [["finished", "aborted", "waiting"], { waiting: 1 }],
])("rollouts at %j are counted by step, those that are over not at all", (steps, counted) => {
  expect(countSteps(steps.map(at))).toEqual({ ...none, ...counted });
});
