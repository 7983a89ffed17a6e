import { expect, test } from "vitest";
import { RunAdmission } from "../../../services/fleet/run/admission.js";

const limits = { maxActiveRuns: 10, maxActiveRunsPerPrincipal: 6, maxQueuedRunsPerPrincipal: 2 };

function fill(admission: RunAdmission, principal: string, runs: number) {
  return Array.from({ length: runs }, () => admission.enter(principal, 1, false));
}

test("a principal at its limit is told the queue, its capacity and what to do; another one is not kept out", () => {
  const admission = new RunAdmission(limits);
  const [run] = fill(admission, "greedy", 6);
  expect(() => admission.enter("greedy", 1, false)).toThrow(
    /the limit of 6 active runs of the principal is reached: 6 are taken and this one needs 1; wait until one ends, or cancel/,
  );
  fill(admission, "modest", 4);
  expect(() => admission.enter("modest", 1, false)).toThrow(/the limit of 10 active runs is reached/);
  admission.enter("newcomer", 1, false).leave();
  run?.leave();
  admission.enter("greedy", 1, false);
});

test.each([
  [1, 1],
  [250, 1],
  [251, 2],
  [1_250, 5],
  [100_000, 400],
])("a run on %i hosts takes %i places, and whoever has none is let in whatever it takes", (hosts, places) => {
  const admission = new RunAdmission(limits);
  const run = admission.enter("one", hosts, false);
  expect(admission.active).toBe(places);
  if (places > 1) expect(() => admission.enter("one", 1_250, false)).toThrow(/needs 5/);
  run.leave();
  run.leave();
  expect(admission.active).toBe(0);
});

test("a run whose caller was answered takes no active place, and a bounded number may wait for hosts that are away", () => {
  const admission = new RunAdmission(limits);
  const [first, second] = [admission.enter("one", 1, true), admission.enter("one", 1, true)];
  first.rest();
  second.rest();
  second.rest();
  expect(admission.active).toBe(0);
  expect(() => admission.enter("one", 1, true)).toThrow(/the limit of 2 queued runs of the principal is reached/);
  admission.enter("one", 1, false);
  admission.enter("two", 1, true);
  first.leave();
  admission.enter("one", 1, true);
});

test("the limits of the product take a thousand single hosts and ten times all of ten thousand at once", async () => {
  const { defaultRunLimits } = await import("../../../services/fleet/run/admission.js");
  const admission = new RunAdmission(defaultRunLimits);
  for (let run = 0; run < 10; run++) admission.enter("one", 10_000, false);
  fill(admission, "one", 1_000);
  expect(() => fill(admission, "one", 1_000)).toThrow(/2048 active runs/);
});
