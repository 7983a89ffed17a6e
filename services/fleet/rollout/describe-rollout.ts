// A rollout as clients see it, in fields and in at most three lines of the summary.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  HaltReason,
  RolloutState,
  type RolloutStatus,
  RolloutStatusSchema,
} from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Run } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { cleanText } from "../../shared/untrusted-text.js";
import { indexesOf } from "../run/spans.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { plural } from "../summarize/show-value.js";
import { allowance, isOver } from "./next-step.js";
import type { Rollout } from "./rollout.js";
import type { RolloutRecord, RolloutStep } from "./rollout-record.js";

const exemplars = 5;
const maxProblemLength = 300;

const stateOf: Record<RolloutStep, RolloutState> = {
  preparing: RolloutState.RUNNING,
  sending: RolloutState.RUNNING,
  waiting: RolloutState.RUNNING,
  pausing: RolloutState.PAUSING,
  checking: RolloutState.CHECKING,
  halted: RolloutState.HALTED,
  aborted: RolloutState.ABORTED,
  finished: RolloutState.FINISHED,
};

/** What a rollout does now. */
export function describeRollout(record: RolloutRecord, run: TrackedRun): RolloutStatus {
  const { halt, counted, unhealthy, wave, waves } = record;
  const isUnhealthy = new Set(unhealthy);
  return create(RolloutStatusSchema, {
    state: stateOf[record.step],
    wave: wave + 1,
    waveCount: waves.length,
    waveHostCount: indexesOf(waves[wave] ?? []).length,
    sentHostCount: run.targets.length - run.commands.unsent,
    countedHostCount: counted.length,
    unhealthyHostCount: counted.filter((index) => isUnhealthy.has(index)).length,
    maxFailed: allowance(record),
    haltReason: halt?.reason ?? HaltReason.UNSPECIFIED,
    haltMessage: halt ? explainHalt(record, run) : "",
    countedHosts: namesOf(run, counted),
    expiresAt: timestampFromMs(record.expiresAtMs),
    haltCount: record.haltCount,
  });
}

/** The run as clients see it, with its rollout if it has one. */
export function describeRunWith(rollout: Rollout | undefined, run: TrackedRun): Run {
  const message = run.toMessage();
  if (rollout) message.rollout = describeRollout(rollout.record, run);
  return message;
}

/** The lines of the summary: where it stands, why it halted, the way on. None without a rollout. */
export function rolloutLines(rollout: Rollout | undefined, run: TrackedRun): string[] {
  if (!rollout) return [];
  const { record } = rollout;
  const { step, wave, waves, halt } = record;
  const unsent = run.commands.unsent;
  const sent = `sent to ${run.targets.length - unsent} of ${plural(run.targets.length, "host")}`;
  const where = `Rollout ${step === "waiting" || step === "sending" ? "running" : step}: wave ${wave + 1} of ${waves.length}, ${sent}`;
  if (!halt) return [where];
  const why = `Why: ${explainHalt(record, run)}`;
  const way = `Way on: resume the run ${record.runId} for the other ${plural(unsent, "host")}, or cancel it`;
  return step === "halted" ? [where, why, way] : [where, why];
}

function explainHalt(record: RolloutRecord, run: TrackedRun): string {
  const { halt, counted, unhealthy } = record;
  const names = namesOf(run, counted);
  const more = counted.length - names.length;
  const hosts = counted.length === 0 ? "" : ` (${names.join(", ")}${more > 0 ? ` and ${more} more` : ""})`;
  switch (halt?.reason) {
    case HaltReason.CONTROL_PLANE:
      return `a step could not be taken: ${cleanText(halt.problem, maxProblemLength)}`;
    case HaltReason.CANCELLED:
      return "it was cancelled; hosts that were not sent the change are cancelled";
    case HaltReason.EXPIRED:
      return `it had not come to its end at ${new Date(record.expiresAtMs).toISOString()}; hosts that were not sent the change are expired`;
    default: {
      const sick = new Set(unhealthy);
      const unwell = counted.filter((index) => sick.has(index)).length;
      const kinds = [
        ...(counted.length > unwell ? [`${counted.length - unwell} failed or silent`] : []),
        ...(unwell > 0 ? [`${unwell} unhealthy behind the change`] : []),
      ];
      const after = isOver(record) ? "; no wave was left to keep from being sent" : "";
      return `${kinds.join(" and ")}${hosts}; ${allowance(record)} may be${record.wave === 0 ? " in the canary" : ""}${after}`;
    }
  }
}

function namesOf(run: TrackedRun, indexes: readonly number[]): string[] {
  return indexes.slice(0, exemplars).flatMap((index) => run.targets[index]?.name ?? []);
}
