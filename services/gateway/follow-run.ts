// Follows the events of a run for a tool call: progress to the client, cancellation to the fleet.
import type { ServerContext } from "@modelcontextprotocol/server";
import type { Plan, RunFinished, RunProgress } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { createLogger } from "../shared/log.js";
import * as runEvents from "../shared/run-events.js";
import type { FleetClient, ToolCall } from "./tool.js";

const log = createLogger("gateway");

/** Follows a run to its end. */
export function followRun(events: runEvents.RunEvents, call: ToolCall): Promise<RunFinished> {
  return watching(call, (watch) => runEvents.followRun(events, watch));
}

/** Follows the dry run of a plan to its end. */
export function followPlan(events: runEvents.RunEvents, call: ToolCall): Promise<Plan> {
  return watching(call, (watch) => runEvents.followPlan(events, watch));
}

async function watching<Result>(
  { fleet, context }: ToolCall,
  follow: (watch: runEvents.RunWatcher) => Promise<Result>,
): Promise<Result> {
  const report = progressReporter(context);
  const canceller = createCanceller(fleet, context.mcpReq.signal);
  try {
    return await follow(async (event) => {
      if (event.case === "started") canceller.started(event.value.runId);
      if (event.case === "progress") await report(event.value);
    });
  } finally {
    canceller.stop();
  }
}

/** Sends each step forward as a progress notification, when the client asked for them. */
function progressReporter(context: ServerContext): (progress: RunProgress) => Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken;
  let reported = 0;
  return async ({ accounting, rollout }) => {
    if (progressToken === undefined || !accounting || context.mcpReq.signal.aborted) return;
    const { targeted, queued } = accounting;
    const progress = targeted - queued;
    // The protocol wants every notification to be greater than the one before.
    if (progress <= reported) return;
    reported = progress;
    const wave = rollout ? `wave ${rollout.wave} of ${rollout.waveCount}: ` : "";
    const message = `${wave}${progress} of ${targeted} hosts`;
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
