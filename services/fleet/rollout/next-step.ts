// The rollout as a state machine: what happened → the next step. Pure, so that a restart, a test and the running control plane agree.
//
// An event that does not fit the present step changes nothing: it is the late end of something that was overtaken by an abort.
import { HaltReason } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { RolloutRecord, RolloutRest, RolloutStep } from "./rollout-record.js";

/** How a halted rollout goes on. */
export interface Resume {
  /** The halt that is meant, counted from 1; 0 means whichever it is. */
  readonly haltCount: number;
  /** A new error budget in hosts. */
  readonly maxFailed?: number;
  readonly atMs: number;
  /** Name of a ConfirmationMethod value. */
  readonly confirmationMethod: string;
}

/** What can happen to a rollout. `failing` are all hosts that were sent the change and did not carry it out, ascending. */
export type RolloutEvent =
  | { readonly type: "asking"; readonly runId: string }
  | { readonly type: "prepared" }
  | { readonly type: "sent" }
  | { readonly type: "answered"; readonly failing: readonly number[]; readonly atMs: number }
  | { readonly type: "rested" }
  | { readonly type: "checked"; readonly failing: readonly number[]; readonly unhealthy: readonly number[] }
  | { readonly type: "broken"; readonly problem: string }
  | { readonly type: "resumed"; readonly resume: Resume; readonly failing: readonly number[] }
  | { readonly type: "aborted"; readonly reason: HaltReason.CANCELLED | HaltReason.EXPIRED };

const rests: readonly RolloutStep[] = ["halted", "finished", "aborted"] satisfies RolloutRest[];

/** True when nothing goes on until somebody resumes it, or at all. */
export function isResting({ step }: RolloutRecord): boolean {
  return rests.includes(step);
}

/** True when it has come to its end. */
export function isOver({ step }: RolloutRecord): boolean {
  return step === "finished" || step === "aborted";
}

/** How many hosts may count in the present wave: none in the canary. */
export function allowance({ wave, policy }: RolloutRecord): number {
  return wave === 0 ? 0 : policy.maxFailed;
}

/** The record after the event; the same one when the event does not fit. */
export function nextStep(record: RolloutRecord, event: RolloutEvent): RolloutRecord {
  switch (event.type) {
    case "asking":
      return record.step === "preparing" || record.step === "checking" ? { ...record, readRunId: event.runId } : record;
    case "prepared":
      if (record.step !== "preparing") return record;
      return { ...record, step: "sending", beforeRunId: record.readRunId, readRunId: "" };
    case "sent":
      return record.step === "sending" ? { ...record, step: "waiting" } : record;
    case "answered":
      return record.step === "waiting" ? judgeAnswers(record, event.failing, event.atMs) : record;
    case "rested":
      if (record.step !== "pausing") return record;
      return record.policy.gate.kind === "none" ? goOn(record) : { ...record, step: "checking" };
    case "checked":
      return record.step === "checking" ? judgeHealth(record, event.failing, event.unhealthy) : record;
    case "broken":
      return isResting(record) ? record : halt(record, HaltReason.CONTROL_PLANE, "same step", event.problem);
    case "resumed":
      return isMeant(record, event.resume) ? resume(record, event.resume, event.failing) : record;
    case "aborted":
      return isOver(record) ? record : abort(record, event.reason);
  }
}

/** The record of a rollout that begins. */
export function firstStep(
  beginning: Pick<RolloutRecord, "runId" | "policy" | "expiresAtMs" | "waveTimeoutMs" | "waves">,
): RolloutRecord {
  return { ...beginning, ...beginningOf(0), unhealthy: [], accepted: [], counted: [], haltCount: 0, resumes: [] };
}

// The last wave has nothing behind it that could be kept from being sent, so it is judged once, when its health is known too.
function judgeAnswers(record: RolloutRecord, failing: readonly number[], atMs: number): RolloutRecord {
  const judged = { ...record, counted: countedOf(record, failing, record.unhealthy) };
  const pausing: RolloutRecord = { ...judged, step: "pausing", pauseUntilMs: atMs + record.policy.pauseMs };
  if (isLastWave(record)) return pausing;
  return exceeds(judged) ? halt(pausing, excess(record), "same step") : pausing;
}

function judgeHealth(record: RolloutRecord, failing: readonly number[], found: readonly number[]): RolloutRecord {
  const unhealthy = union(record.unhealthy, found);
  return goOn({ ...record, unhealthy, counted: countedOf(record, failing, unhealthy) });
}

function goOn(record: RolloutRecord): RolloutRecord {
  const exceeded = exceeds(record);
  if (isLastWave(record)) {
    const { step } = record;
    const halt = { reason: excess(record), problem: "", next: "next wave", step } as const;
    return { ...record, step: "finished", ...(exceeded ? { halt } : {}) };
  }
  return exceeded ? halt(record, excess(record), "next wave") : { ...record, ...beginningOf(record.wave + 1) };
}

function isMeant({ step, haltCount }: RolloutRecord, resume: Resume): boolean {
  return step === "halted" && (resume.haltCount === 0 || resume.haltCount === haltCount);
}

// Whoever resumes has seen what counted and accepts it; what counts from now on is measured anew.
function resume(record: RolloutRecord, how: Resume, failing: readonly number[]): RolloutRecord {
  const { halt: former, ...rest } = record;
  if (!former) return record;
  const resumed: RolloutRecord = {
    ...rest,
    accepted: union(record.accepted, union(failing, record.unhealthy)),
    counted: [],
    policy: { ...record.policy, maxFailed: how.maxFailed ?? record.policy.maxFailed },
    resumes: [...record.resumes, { ...how, haltCount: record.haltCount }],
  };
  if (former.next === "next wave") return { ...resumed, ...beginningOf(record.wave + 1) };
  return { ...resumed, step: former.step, readRunId: "" };
}

function abort(record: RolloutRecord, reason: HaltReason): RolloutRecord {
  return { ...record, step: "aborted", halt: { reason, problem: "", next: "same step", step: record.step } };
}

function halt(record: RolloutRecord, reason: HaltReason, next: "same step" | "next wave", problem = ""): RolloutRecord {
  const haltCount = record.haltCount + 1;
  return { ...record, step: "halted", haltCount, halt: { reason, problem, next, step: record.step } };
}

function beginningOf(wave: number) {
  return { wave, step: "preparing", readRunId: "", beforeRunId: "", pauseUntilMs: 0 } as const;
}

function isLastWave({ wave, waves }: RolloutRecord): boolean {
  return wave === waves.length - 1;
}

function exceeds(record: RolloutRecord): boolean {
  return record.counted.length > allowance(record);
}

function excess({ wave }: RolloutRecord): HaltReason {
  return wave === 0 ? HaltReason.CANARY_FAILED : HaltReason.BUDGET_EXCEEDED;
}

function countedOf({ accepted }: RolloutRecord, failing: readonly number[], unhealthy: readonly number[]): number[] {
  const isAccepted = new Set(accepted);
  return union(failing, unhealthy).filter((index) => !isAccepted.has(index));
}

function union(some: readonly number[], others: readonly number[]): number[] {
  return [...new Set([...some, ...others])].sort((a, b) => a - b);
}
