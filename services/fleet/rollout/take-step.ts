// What each step of a rollout does. It ends with the event that leads to the next one; when the signal aborts it ends, or rejects,
// without.
import { create, toBinary } from "@bufbuild/protobuf";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ListServicesRequestSchema } from "../../gen/systemsmanager/telemetry/v1/service_pb.js";
import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findOperation, operationName } from "../../shared/operations.js";
import { pause } from "../../shared/pause.js";
import { untilAborted } from "../../shared/until-aborted.js";
import type { RunManager } from "../run/run-manager.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { failingHosts, presentWave, type Rollout } from "./rollout.js";
import type { RolloutRest, RolloutStep } from "./rollout-record.js";
import { troubleQuestion, worseHosts } from "./troubled-services.js";

/** What a step works with. */
export interface StepParts {
  readonly rollout: Rollout;
  readonly runs: RunManager;
  /** Aborted when somebody else decides what comes next. */
  readonly signal: AbortSignal;
}

const steps: Record<Exclude<RolloutStep, RolloutRest>, (parts: StepParts) => Promise<void>> = {
  preparing: prepare,
  sending: send,
  waiting: awaitAnswers,
  pausing: rest,
  checking: check,
};

const listServices = operationName(TelemetryService.method.listServices);

/** Takes the present step, unless nothing goes on in it. */
export async function takeStep(parts: StepParts): Promise<void> {
  const { step } = parts.rollout.record;
  if (step in steps) await steps[step as keyof typeof steps](parts);
}

/** The run that a rollout carries out. Looked up each time: what is finished may have left the memory. */
export function runOf({ rollout, runs }: Pick<StepParts, "rollout" | "runs">): TrackedRun {
  const { runId } = rollout.record;
  const run = runs.find(runId);
  if (run) return run;
  throw failure(ErrorReason.UNKNOWN_RUN, `the run ${runId} of the rollout is not kept any more`, {
    metadata: { run_id: runId },
    remedy: "plan the change again for the hosts that are left",
  });
}

async function prepare(parts: StepParts): Promise<void> {
  const { rollout } = parts;
  if (rollout.record.policy.gate.kind === "failed-services") await askWave(parts);
  await rollout.apply({ type: "prepared" });
}

async function send(parts: StepParts): Promise<void> {
  const { rollout, runs } = parts;
  const { record } = rollout;
  await runs.dispatch(runOf(parts), { indexes: presentWave(record), timeoutMs: record.waveTimeoutMs });
  await rollout.apply({ type: "sent" });
}

// The run itself closes a host's account at the wave's deadline.
async function awaitAnswers(parts: StepParts): Promise<void> {
  const { rollout, signal } = parts;
  const run = runOf(parts);
  const wave = presentWave(rollout.record);
  const isQueued = (index: number) => run.account.stateOf(index) === HostState.QUEUED;
  await untilHolds(run, () => !wave.some(isQueued), signal);
  if (!signal.aborted) await rollout.apply({ type: "answered", failing: failingHosts(run), atMs: Date.now() });
}

async function rest({ rollout, signal }: StepParts): Promise<void> {
  await pause(Math.max(0, rollout.record.pauseUntilMs - Date.now()), signal);
  if (!signal.aborted) await rollout.apply({ type: "rested" });
}

async function check(parts: StepParts): Promise<void> {
  const { rollout, runs } = parts;
  const read = await askWave(parts);
  const { policy, beforeRunId } = rollout.record;
  const sick =
    policy.gate.kind === "failed-services"
      ? worseHosts(runs.find(beforeRunId), read)
      : [...read.targets.keys()].filter((index) => read.account.stateOf(index) !== HostState.OK);
  const run = runOf(parts);
  const unhealthy = sick.flatMap((index) => run.indexOf(read.targets[index]?.hostId ?? "") ?? []);
  await rollout.apply({ type: "checked", failing: failingHosts(run), unhealthy });
}

// Asks exactly the hosts of the wave, in a read that is a run of its own. A restart finds it again by its id.
async function askWave(parts: StepParts): Promise<TrackedRun> {
  const { rollout, runs, signal } = parts;
  if (rollout.record.readRunId === "") await rollout.apply({ type: "asking", runId: runs.newRunId() });
  const { readRunId, wave } = rollout.record;
  const run = runOf(parts);
  const { name, request } = questionOf(rollout);
  const operation = findOperation(name);
  const read =
    runs.find(readRunId) ??
    (await runs.start({
      runId: readRunId,
      operation,
      request,
      selector: `health of wave ${wave + 1} of run ${run.record.runId}`,
      principal: run.record.principal,
      targets: presentWave(rollout.record).flatMap((index) => run.targets[index] ?? []),
      timeoutMs: operation.defaultTimeoutMs,
    }));
  await untilAborted(read.finished, signal);
  return read;
}

function questionOf({ record: { policy } }: Rollout): { name: string; request: Uint8Array } {
  if (policy.gate.kind === "read") return { name: policy.gate.method, request: policy.gate.request };
  const request = toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, troubleQuestion));
  return { name: listServices, request };
}

async function untilHolds(run: TrackedRun, holds: () => boolean, signal: AbortSignal): Promise<void> {
  if (holds() || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const stop = run.onChange(() => holds() && end());
    const end = () => {
      stop();
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
  });
}
