// The events that FleetService's Run, PlanChange and CommitChange stream, and the one way to follow them to their end.
import type { Plan, RunFinished, RunProgress, RunStarted } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "./errors.js";

/** What happens, in order: started, any number of progress, and finished or planned. */
export type RunEvent =
  | { case: "started"; value: RunStarted }
  | { case: "progress"; value: RunProgress }
  | { case: "finished"; value: RunFinished }
  | { case: "planned"; value: Plan }
  | { case: undefined; value?: undefined };

/** The stream of a run or a plan. */
export type RunEvents = AsyncIterable<{ event: RunEvent }>;

/** Sees every event, in order, before the next one is read. */
export type RunWatcher = (event: RunEvent) => void | Promise<void>;

/** Follows a run to its end. */
export async function followRun(events: RunEvents, watch: RunWatcher): Promise<RunFinished> {
  const last = await follow(events, watch);
  if (last?.case !== "finished") throw endedEarly();
  return last.value;
}

/** Follows the dry run of a plan to its end. */
export async function followPlan(events: RunEvents, watch: RunWatcher): Promise<Plan> {
  const last = await follow(events, watch);
  if (last?.case !== "planned") throw endedEarly();
  return last.value;
}

async function follow(events: RunEvents, watch: RunWatcher): Promise<RunEvent | undefined> {
  let last: RunEvent | undefined;
  for await (const { event } of events) {
    last = event;
    await watch(event);
  }
  return last;
}

function endedEarly(): Error {
  return failure(ErrorReason.INTERNAL, "the run's stream ended before its result", {
    metadata: { operation: "follow" },
    remedy: "ask again; if it repeats, look at the log of the control plane",
  });
}
