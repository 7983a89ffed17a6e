// One order of a client: a question, or a change with its plan, its commit, and perhaps its resumption.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { ConfirmationMethod } from "../../../services/gen/systemsmanager/fleet/v1/change_pb.js";
import { type RolloutSchema, RolloutState } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Plan } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { MutationService } from "../../../services/gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { InstallPackagesRequestSchema } from "../../../services/gen/systemsmanager/mutation/v1/package_pb.js";
import { TelemetryService } from "../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationName } from "../../../services/shared/operations.js";
import { followPlan, followRun } from "../../../services/shared/run-events.js";
import type { RunHistory } from "../history.js";
import type { PlannedOrder } from "../schedule/schedule.js";
import { beginRun, callOf, clientOf, followToEnd, type OrderContext } from "./drive-run.js";
import { resolveSelector } from "./selector.js";

const installPackages = operationName(MutationService.method.installPackages);
/** An order that is ready to be given. Resolves when its streams have ended, however they did. */
export type ReadyOrder = () => Promise<void>;

/** Makes an order ready: makes the plan of a change that is planned ahead. */
export async function prepareOrder(order: PlannedOrder, index: number, context: OrderContext): Promise<ReadyOrder> {
  const label = `${context.seed} ${order.kind} ${index}`;
  if (order.kind === "read") return () => driveRead(atLiving(order, context), label, context);
  const change = async () => {
    const living = atLiving(order, context);
    const plan = await drivePlan(living, label, context);
    return () => driveCommit(plan, living, label, context);
  };
  return order.isPlannedAhead ? change() : async () => (await change())();
}

// Whoever finds his control plane dead asks another one; only a plan binds to where it was made.
function atLiving(order: PlannedOrder, { world }: OrderContext): PlannedOrder {
  const count = world.controlPlanes.length;
  const candidates = Array.from({ length: count }, (_, index) => (order.controlPlane + index) % count);
  const living = candidates.find((index) => world.controlPlanes[index]?.process.isRunning);
  return { ...order, controlPlane: living ?? order.controlPlane };
}

async function driveRead(order: PlannedOrder, label: string, context: OrderContext): Promise<void> {
  const { fleet } = clientOf(order, context);
  const { selector, hosts } = resolveSelector(order.selector, context.world);
  const method = `${TelemetryService.typeName}/${order.operation}`;
  const run = beginRun(order, context, { label, kind: "read", hosts });
  const question = { selector, method, timeout: durationFromMs(order.timeoutMs), ...deliveryOf(order) };
  await followToEnd(run, order, context, (watch) => followRun(fleet.run(question, callOf(order)), watch));
}

async function drivePlan(order: PlannedOrder, label: string, context: OrderContext): Promise<Plan | undefined> {
  const { fleet } = clientOf(order, context);
  const { selector, hosts } = resolveSelector(order.selector, context.world);
  const packages = [subjectOf(label)];
  const request = toBinary(InstallPackagesRequestSchema, create(InstallPackagesRequestSchema, { packages }));
  const question = { selector, method: installPackages, request, timeout: durationFromMs(order.timeoutMs) };
  const run = beginRun(order, context, { label: `${label} plan`, kind: "plan", hosts });
  let plan: Plan | undefined;
  await followToEnd(run, { controlPlane: order.controlPlane }, context, async (watch) => {
    plan = await followPlan(fleet.planChange(question, callOf(order)), watch);
  });
  if (plan) context.events.emit("planned");
  return plan;
}

async function driveCommit(
  plan: Plan | undefined,
  order: PlannedOrder,
  label: string,
  context: OrderContext,
): Promise<void> {
  // No host's dry run succeeded, or the plan was never heard of.
  if (!plan?.planHash) return;
  const { fleet } = clientOf(order, context);
  const { planHash, hosts } = plan;
  const commit = beginRun(order, context, { label, kind: "commit", hosts, subject: subjectOf(label), planHash });
  const times = { timeout: durationFromMs(order.timeoutMs), ...deliveryOf(order) };
  const commitment = { planHash, confirmation: confirmation(), ...times, rollout: rolloutOf(order) };
  await followToEnd(commit, order, context, (watch) => followRun(fleet.commitChange(commitment, callOf(order)), watch));
  if (order.rollout?.isResumed && commit.completed) await resumeIfHalted(commit, order, context);
}

// A package's name, which only this change installs.
function subjectOf(label: string): string {
  return label.replace(/[^A-Za-z0-9]+/g, "-");
}

async function resumeIfHalted(commit: RunHistory, order: PlannedOrder, context: OrderContext): Promise<void> {
  const { fleet } = clientOf(order, context);
  const { runId = "" } = commit;
  await followToEnd(commit, order, context, async (watch) => {
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
