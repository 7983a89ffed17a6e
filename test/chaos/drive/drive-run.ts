// One run of a client: asked for, followed to its end, and opened, with everything that the client is told on the way.
import { setTimeout as sleep } from "node:timers/promises";
import type { RunEvent } from "../../../services/shared/run-events.js";
import type { RunHistory, RunKind } from "../history.js";
import type { PlannedOrder } from "../schedule/schedule.js";
import type { World } from "../world/world.js";
import type { ChaosEvents } from "./chaos-events.js";
import { accountOf, type FleetClient } from "./fleet-client.js";

/** What the orders of one epoch share. */
export interface OrderContext {
  readonly seed: string;
  readonly world: World;
  readonly events: ChaosEvents;
  /** Every run is added when it is asked for. */
  readonly runs: RunHistory[];
}

// What a call may take beyond the time of its run.
const streamPatienceMs = 15_000;

/** Adds a run that is about to be asked for. */
export function beginRun(
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
    // A dry run waits for nobody.
    queueMs: run.kind === "plan" ? 0 : queueMs,
    isRollout: rollout !== undefined && run.kind === "commit",
    accounts: [],
    completed: false,
    views: [],
  };
  runs.push(history);
  return history;
}

type CancelPlan = Pick<PlannedOrder, "controlPlane"> & { readonly cancelAfterMs?: number | undefined };

/** Follows its stream. One that breaks off is no fault by itself: the run is looked up when all has settled. */
export async function followToEnd(
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

/** The client of the control plane that the order is for. */
export function clientOf({ controlPlane }: Pick<PlannedOrder, "controlPlane">, { world }: OrderContext): FleetClient {
  return world.clients[controlPlane % world.clients.length] as FleetClient;
}

/** A stream is waited for a while beyond the time of its run. */
export function callOf({ timeoutMs, queueMs }: PlannedOrder) {
  return { timeoutMs: timeoutMs + queueMs + streamPatienceMs };
}
