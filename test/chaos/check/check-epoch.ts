// Every promise of the fleet that a history can show to be broken.
import type { EpochHistory, Violation } from "../history.js";
import { accountingChecks } from "./accounting.js";
import { answerChecks } from "./answers.js";
import type { Check } from "./check.js";
import { completenessChecks } from "./completeness.js";
import { executionChecks } from "./executions.js";

export const checks: readonly Check[] = [
  ...accountingChecks,
  ...answerChecks,
  ...executionChecks,
  ...completenessChecks,
];

/** All violations of an epoch, in the order of the checks. */
export function checkEpoch(history: EpochHistory): Violation[] {
  return checks.flatMap((check) => [...check.find(history)].map((found) => ({ check: check.name, ...found })));
}
