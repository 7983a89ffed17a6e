// Follows the events of a run for a tool call: progress to the client, cancellation to the fleet.
import type { ServerContext } from "@modelcontextprotocol/server";
import type { Plan, RunFinished, RunProgress, RunStarted } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { createLogger } from "../shared/log.js";
import type { FleetClient, ToolCall } from "./tool.js";

/** The events that Run, PlanChange and CommitChange stream. */
type RunEvent =
  | { case: "started"; value: RunStarted }
  | { case: "progress"; value: RunProgress }
  | { case: "finished"; value: RunFinished }
  | { case: "planned"; value: Plan }
  | { case: undefined; value?: undefined };

type RunEvents = AsyncIterable<{ event: RunEvent }>;

const log = createLogger("gateway");

/** Follows a run to its end. */
export async function followRun(events: RunEvents, call: ToolCall): Promise<RunFinished> {
  const last = await follow(events, call);
  if (last?.case !== "finished") throw endedEarly();
  return last.value;
}

/** Follows the dry run of a plan to its end. */
export async function followPlan(events: RunEvents, call: ToolCall): Promise<Plan> {
  const last = await follow(events, call);
  if (last?.case !== "planned") throw endedEarly();
  return last.value;
}

async function follow(events: RunEvents, { fleet, context }: ToolCall): Promise<RunEvent | undefined> {
  const report = progressReporter(context);
  const canceller = createCanceller(fleet, context.mcpReq.signal);
  let last: RunEvent | undefined;
  try {
    for await (const { event } of events) {
      last = event;
      if (event.case === "started") canceller.started(event.value.runId);
      if (event.case === "progress") await report(event.value);
    }
  } finally {
    canceller.stop();
  }
  return last;
}

/** Sends each step forward as a progress notification, when the client asked for them. */
function progressReporter(context: ServerContext): (progress: RunProgress) => Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken;
  let reported = 0;
  return async ({ accounting }) => {
    if (progressToken === undefined || !accounting || context.mcpReq.signal.aborted) return;
    const { targeted, queued } = accounting;
    const progress = targeted - queued;
    // The protocol wants every notification to be greater than the one before.
    if (progress <= reported) return;
    reported = progress;
    const message = `${progress} of ${targeted} hosts`;
    const params = { progressToken, progress, total: targeted, message };
    try {
      await context.mcpReq.notify({ method: "notifications/progress", params });
    } catch (error) {
      // A client that cannot be told is still owed its answer.
      log.debug({ err: error }, "progress could not be reported");
    }
  };
}

/** Cancels the run, once it has an id, when the client cancels the call or goes away. */
function createCanceller(fleet: FleetClient, signal: AbortSignal) {
  let runId: string | undefined;
  const cancel = () => {
    if (runId === undefined) return;
    fleet
      .cancelRun({ runId })
      .catch((error: unknown) => log.warn({ runId, err: error }, "the run could not be cancelled"));
  };
  signal.addEventListener("abort", cancel, { once: true });
  return {
    started(id: string): void {
      runId = id;
      if (signal.aborted) cancel();
    },
    stop: (): void => signal.removeEventListener("abort", cancel),
  };
}

function endedEarly(): Error {
  return failure(ErrorReason.INTERNAL, "the run's stream ended before its result", {
    metadata: { operation: "follow" },
    remedy: "ask again; if it repeats, look at the log of the control plane",
  });
}
