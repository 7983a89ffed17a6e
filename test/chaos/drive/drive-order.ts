// One order of a client, driven to its end, with everything that the client is told on the way.

import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { ConfirmationMethod } from "../../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { type RolloutSchema, RolloutState } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Plan } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { MutationService } from "../../../services/gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { InstallPackagesRequestSchema } from "../../../services/gen/systemsmanager/mutation/v1/package_pb.js";
import { TelemetryService } from "../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationName } from "../../../services/shared/operations.js";
import { followPlan, followRun, type RunEvent } from "../../../services/shared/run-events.js";
import type { RunHistory, RunKind } from "../history.js";
import type { PlannedOrder } from "../schedule/schedule.js";
import type { World } from "../world/world.js";
import type { ChaosEvents } from "./chaos-events.js";
import { accountOf, type FleetClient } from "./fleet-client.js";
import { resolveSelector } from "./selector.js";

/** What the orders of one epoch share. */
export interface OrderContext {
  readonly seed: string;
  readonly world: World;
  readonly events: ChaosEvents;
  /** Every run is added when it is asked for. */
  readonly runs: RunHistory[];
}

const installPackages = operationName(MutationService.method.installPackages);
// What a call may take beyond the time of its run.
const streamPatienceMs = 15_000;

/** Resolves when its streams have ended, however they did. */
export async function driveOrder(order: PlannedOrder, index: number, context: OrderContext): Promise<void> {
  const label = `${context.seed} ${order.kind} ${index}`;
  if (order.kind === "change") return driveChange(order, label, context);
  const { fleet } = clientOf(order, context);
  const { selector, hosts } = resolveSelector(order.selector, context.world);
  const method = `${TelemetryService.typeName}/${order.operation}`;
  const run = begin(order, context, { label, kind: "read", hosts });
  const question = { selector, method, timeout: durationFromMs(order.timeoutMs), ...deliveryOf(order) };
  await follow(run, order, context, (watch) => followRun(fleet.run(question, callOf(order)), watch));
}

async function driveChange(order: PlannedOrder, label: string, context: OrderContext): Promise<void> {
  const { fleet } = clientOf(order, context);
  const { selector, hosts } = resolveSelector(order.selector, context.world);
  const subject = label.replace(/[^A-Za-z0-9]+/g, "-");
  const request = toBinary(InstallPackagesRequestSchema, create(InstallPackagesRequestSchema, { packages: [subject] }));
  const question = { selector, method: installPackages, request, timeout: durationFromMs(order.timeoutMs) };
  const planning = begin(order, context, { label: `${label} plan`, kind: "plan", hosts });
  let plan: Plan | undefined;
  await follow(planning, { ...order, cancelAfterMs: undefined }, context, async (watch) => {
    plan = await followPlan(fleet.planChange(question, callOf(order)), watch);
  });
  if (!plan?.planHash) return;
  context.events.emit("planned");
  const { planHash, hosts: planned } = plan;
  const commit = begin(order, context, { label, kind: "commit", hosts: planned, subject, planHash });
  const times = { timeout: durationFromMs(order.timeoutMs), ...deliveryOf(order) };
  const commitment = { planHash, confirmation: confirmation(), ...times, rollout: rolloutOf(order) };
  await follow(commit, order, context, (watch) => followRun(fleet.commitChange(commitment, callOf(order)), watch));
  if (order.rollout?.isResumed && commit.completed) await resumeIfHalted(commit, order, context);
}

async function resumeIfHalted(commit: RunHistory, order: PlannedOrder, context: OrderContext): Promise<void> {
  const { fleet } = clientOf(order, context);
  const { runId = "" } = commit;
  await follow(commit, order, context, async (watch) => {
    const { run } = await fleet.getRun({ runId }, callOf(order));
    if (run?.rollout?.state !== RolloutState.HALTED) return;
    await followRun(fleet.resumeRollout({ runId, confirmation: confirmation() }, callOf(order)), watch);
  });
}

function confirmation() {
  return { method: ConfirmationMethod.COMMAND_LINE, confirmedAt: timestampNow() };
}

function deliveryOf({ timeoutMs, queueMs }: PlannedOrder) {
  return queueMs === 0 ? {} : { deliveryTimeout: durationFromMs(timeoutMs + queueMs) };
}

// Chaos judges what the waves did, and does not wait for it: no pause, and the health check only of those that answer at all.
function rolloutOf({ rollout }: PlannedOrder): MessageInitShape<typeof RolloutSchema> {
  if (!rollout) return { allAtOnce: true };
  return {
    canary: hostCount(rollout.canary),
    batches: [hostCount(rollout.batch)],
    maxFailed: hostCount(rollout.maxFailed),
    pause: durationFromMs(50),
  };
}

function hostCount(hosts: number) {
  return { size: { case: "hosts" as const, value: hosts } };
}

function begin(
  { controlPlane, timeoutMs, queueMs, rollout }: PlannedOrder,
  { runs, world }: OrderContext,
  run: { label: string; kind: RunKind; hosts: readonly string[]; subject?: string; planHash?: string },
): RunHistory {
  const history: RunHistory = {
    subject: "",
    ...run,
    controlPlane: controlPlane % world.clients.length,
    requestedAtMs: Date.now(),
    timeoutMs,
    queueMs,
    isRollout: rollout !== undefined && run.kind === "commit",
    accounts: [],
    completed: false,
    views: [],
  };
  runs.push(history);
  return history;
}

type CancelPlan = Pick<PlannedOrder, "controlPlane"> & { readonly cancelAfterMs?: number | undefined };

// A stream that breaks off is no fault by itself: the run is looked up when all has settled.
async function follow(
  run: RunHistory,
  order: CancelPlan,
  context: OrderContext,
  stream: (watch: (event: RunEvent) => void) => Promise<unknown>,
): Promise<void> {
  const client = clientOf(order, context);
  const cancelling: Promise<void>[] = [];
  try {
    await stream((event) => {
      if (event.case === "started" && order.cancelAfterMs !== undefined) {
        cancelling.push(cancelLater(run, event.value.runId, order.cancelAfterMs, client));
      }
      note(run, event, context.events);
    });
    run.completed = true;
  } catch (error) {
    run.error = String(error);
  }
  run.endedAtMs = Date.now();
  await Promise.all(cancelling);
  if (run.completed) await look(run, client, "finished");
}

function note(run: RunHistory, event: RunEvent, events: ChaosEvents): void {
  if (event.case === "started") {
    run.acknowledgedAtMs = Date.now();
    run.runId = event.value.runId;
    run.targeted = event.value.targeted;
    events.emit(run.kind === "commit" ? "committed" : "acknowledged");
  }
  if (event.case === "progress" && event.value.accounting) {
    run.accounts.push(accountOf(event.value.accounting));
    events.emit("progressed");
  }
  const last = event.case === "finished" ? event.value.run?.accounting : undefined;
  if (last) run.accounts.push(accountOf(last));
}

/** Opens the run now, and keeps what is seen. False when that failed. */
export async function look(run: RunHistory, client: FleetClient, moment: string): Promise<boolean> {
  if (run.runId === undefined) return true;
  try {
    run.views.push(await client.openRun(run.runId, moment));
    return true;
  } catch (error) {
    run.error ??= `${moment}: ${error}`;
    return false;
  }
}

async function cancelLater(run: RunHistory, runId: string, afterMs: number, { fleet }: FleetClient): Promise<void> {
  await sleep(afterMs);
  run.cancelRequestedAtMs = Date.now();
  try {
    await fleet.cancelRun({ runId }, { timeoutMs: streamPatienceMs });
  } catch (error) {
    // The control plane was down: the run goes on, and the checks only allow for a cancellation, they do not ask for one.
    run.error ??= `cancel: ${error}`;
  }
}

function clientOf({ controlPlane }: Pick<PlannedOrder, "controlPlane">, { world }: OrderContext): FleetClient {
  return world.clients[controlPlane % world.clients.length] as FleetClient;
}

function callOf({ timeoutMs, queueMs }: PlannedOrder) {
  return { timeoutMs: timeoutMs + queueMs + streamPatienceMs };
}
