// fleet.v1.FleetService: each rpc calls the part that does it and gives the answer. No logic of its own. Requests come here
// validated: whoever serves the routes puts validateRequests in front.
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { ConfirmationMethod } from "../gen/systemsmanager/fleet/v1/change_pb.js";
import type { FleetService } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { OpenResultRequest } from "../gen/systemsmanager/fleet/v1/result_pb.js";
import type { Summary } from "../gen/systemsmanager/fleet/v1/summary_pb.js";
import { type Principal, principalKey } from "../identity/principal.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { traceContextKey } from "../tracing/trace-context.js";
import { findHosts } from "./inventory/find-hosts.js";
import type { Inventory } from "./inventory/inventory.js";
import { commitPlan } from "./plan/commit-plan.js";
import { makePlan } from "./plan/make-plan.js";
import { findPlan, showPlan } from "./plan/plan-store.js";
import { listRuns } from "./results/list-runs.js";
import { openResult } from "./results/open-result.js";
import { openHandle } from "./results/view.js";
import { describeRunWith } from "./rollout/describe-rollout.js";
import { rolloutEvents } from "./rollout/rollout-events.js";
import type { RolloutManager } from "./rollout/rollout-manager.js";
import { resolveMaxFailed } from "./rollout/rollout-policy.js";
import { prepareDryRun, prepareRead } from "./run/prepare-run.js";
import { finishedEvent, liveEvents } from "./run/run-events.js";
import { unknownRun } from "./run/run-id.js";
import type { RunManager } from "./run/run-manager.js";
import type { TrackedRun } from "./run/tracked-run.js";
import { selectHosts } from "./select/select-hosts.js";
import type { StateDatabase } from "./state-database.js";
import { traceFleet } from "./trace/trace-fleet.js";

/** What the service stands on. */
export interface FleetParts {
  readonly database: StateDatabase;
  readonly inventory: Inventory;
  readonly runs: RunManager;
  readonly rollouts: RolloutManager;
  /** Number of this control plane in its fleet. */
  readonly instance: number;
  /** Reduces what the hosts of a run answered so far; 0 tokens means the default. */
  readonly summarize: (run: TrackedRun, tokenBudget: number) => Summary;
  /** Aborted when the control plane stops: streams then end, runs go on at the next start. */
  readonly stopping: AbortSignal;
}

type Handlers = ServiceImpl<typeof FleetService>;
type StreamingRpc = "run" | "trace" | "planChange" | "commitChange" | "resumeRollout";

/** The handlers of every rpc. A run belongs to its principal: to everybody else it does not exist. */
export function fleetService(parts: FleetParts): Handlers {
  return { ...runHandlers(parts), ...readHandlers(parts) };
}

// What starts a run and follows it.
function runHandlers(parts: FleetParts): Pick<Handlers, StreamingRpc> {
  const { database, inventory, runs, rollouts, summarize, stopping } = parts;
  return {
    async *run(request, context) {
      const run = await runs.start(prepareRead(inventory, question(request, context)));
      const ends = { caller: context.signal, stopping };
      for await (const event of liveEvents(run, ends)) yield { event };
      if (!context.signal.aborted) yield { event: finishedEvent(run.toMessage(), summarize(run, request.tokenBudget)) };
    },

    async *trace(request, context) {
      const asking = { principal: principalOf(context), trace: context.values.get(traceContextKey) };
      const ends = { caller: context.signal, stopping };
      for await (const event of traceFleet(parts, request, asking, ends)) yield { event };
    },

    async *planChange(request, context) {
      const { order, decision } = prepareDryRun(inventory, question(request, context));
      const dryRun = await runs.start(order);
      for await (const event of liveEvents(dryRun, { caller: context.signal, stopping })) yield { event };
      if (context.signal.aborted) return;
      const summary = summarize(dryRun, request.tokenBudget);
      yield { event: { case: "planned", value: await makePlan(database, { dryRun, summary, decision }) } };
    },

    async *commitChange(request, context) {
      const { planHash, confirmation, rollout } = request;
      if (!confirmation) throw failure(ErrorReason.INVALID_ARGUMENT, "the confirmation is missing");
      const trace = context.values.get(traceContextKey);
      const order = { planHash, confirmation, rollout, principal: principalOf(context), trace, ...timeoutsOf(request) };
      const run = await commitPlan(parts, order);
      for await (const event of changeEvents(parts, run, request.tokenBudget, context)) yield { event };
    },

    async *resumeRollout(request, context) {
      const run = findRun(parts, request.runId, principalOf(context));
      await rollouts.resume(run, {
        haltCount: request.haltCount,
        atMs: Date.now(),
        confirmationMethod: ConfirmationMethod[request.confirmation?.method ?? 0] ?? "",
        ...(request.maxFailed ? { maxFailed: resolveMaxFailed(request.maxFailed, run.targets.length) } : {}),
      });
      for await (const event of changeEvents(parts, run, request.tokenBudget, context)) yield { event };
    },
  };
}

// A change until its run is over, or its rollout has halted.
async function* changeEvents(parts: FleetParts, run: TrackedRun, tokenBudget: number, { signal }: HandlerContext) {
  const { rollouts, summarize, stopping } = parts;
  const rollout = rollouts.find(run.record.runId);
  const ends = { caller: signal, stopping };
  yield* rollout ? rolloutEvents(run, rollout, ends) : liveEvents(run, ends);
  if (signal.aborted) return;
  yield finishedEvent(describeRunWith(rollout, run), summarize(run, tokenBudget));
}

// What is asked of the inventory, and of runs that were started before.
function readHandlers(parts: FleetParts): Omit<Handlers, StreamingRpc> {
  const { database, inventory, runs, rollouts, summarize } = parts;
  return {
    findHosts(request, context) {
      principalOf(context);
      return findHosts(inventory.hosts(), request, database.handleKey);
    },

    async forgetHosts(request, context) {
      principalOf(context);
      const selected = selectHosts(request.selector, inventory.hosts());
      const forgotten = await inventory.forget(selected);
      const names = forgotten.map((host) => host.name).sort();
      return { forgotten: names, keptCount: selected.length - forgotten.length };
    },

    getPlan(request, context) {
      return showPlan(findPlan(database, request.planHash, principalOf(context).name));
    },

    async getRun(request, context) {
      const run = findRun(parts, request.runId, principalOf(context));
      const message = describeRunWith(rollouts.find(request.runId), run);
      return { run: message, summary: summarize(run, request.tokenBudget) };
    },

    listRuns(request, context) {
      return listRuns(database, runs, request, principalOf(context).name);
    },

    async cancelRun(request, context) {
      const run = findRun(parts, request.runId, principalOf(context));
      await rollouts.cancel(run);
      return { run: describeRunWith(rollouts.find(request.runId), run) };
    },

    async openResult(request, context) {
      const principal = principalOf(context);
      const view = viewOf(database, request, principal.name);
      const run = findRun(parts, view.runId, principal);
      return await openResult(database, { run, view, request, principal: principal.name });
    },
  };
}

// Authentication stands before the service; a caller that came past it without a name is nobody.
function principalOf(context: HandlerContext): Principal {
  const principal = context.values.get(principalKey);
  if (principal.name !== "") return principal;
  throw failure(ErrorReason.UNAUTHENTICATED, "the caller is not known", {
    metadata: { scheme: "bearer" },
    remedy: "send a bearer token",
  });
}

interface Timeouts {
  readonly timeout?: Duration | undefined;
  readonly deliveryTimeout?: Duration | undefined;
}

function question(
  request: { selector: string; method: string; request: Uint8Array } & Timeouts,
  context: HandlerContext,
) {
  const { selector, method, request: bytes, timeout, deliveryTimeout } = request;
  const timeoutMs = timeout && durationMs(timeout);
  const deliveryTimeoutMs = deliveryTimeout && durationMs(deliveryTimeout);
  const trace = context.values.get(traceContextKey);
  return { selector, method, request: bytes, timeoutMs, deliveryTimeoutMs, principal: principalOf(context), trace };
}

function timeoutsOf({ timeout, deliveryTimeout }: Timeouts): { timeoutMs?: number; deliveryTimeoutMs?: number } {
  return {
    ...(timeout ? { timeoutMs: durationMs(timeout) } : {}),
    ...(deliveryTimeout ? { deliveryTimeoutMs: durationMs(deliveryTimeout) } : {}),
  };
}

function viewOf(database: StateDatabase, { target }: OpenResultRequest, principal: string) {
  if (target.case === "handle") return openHandle(database.handleKey, target.value, principal);
  return { runId: target.value ?? "" };
}

function findRun({ runs, instance }: FleetParts, runId: string, principal: Principal): TrackedRun {
  const run = runs.find(runId);
  if (run?.record.principal === principal.name) return run;
  throw unknownRun(runId, instance);
}
