// A trace session on many hosts as a stream: what all of them have found, merged, at every interval and at the end.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Summary } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { TraceRequest, TraceResponseSchema } from "../../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { pause } from "../../shared/pause.js";
import { fleetStops, type StreamEnds } from "../run/run-events.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { type Asking, FleetSession, type SessionParts } from "./fleet-session.js";
import { ShownReadings } from "./shown-readings.js";

export interface TraceParts extends SessionParts {
  readonly summarize: (run: TrackedRun, tokenBudget: number) => Summary;
}

type TraceEvent = NonNullable<MessageInitShape<typeof TraceResponseSchema>["event"]>;

const defaultIntervalMs = 2_000;

/** Ends with the session, or when the caller leaves; the hosts are told to stop then. Throws as Run does. */
export async function* traceFleet(
  parts: TraceParts,
  request: TraceRequest,
  asking: Asking,
  { caller, stopping }: StreamEnds,
): AsyncGenerator<TraceEvent> {
  const session = await FleetSession.start(parts, request, asking);
  const { started, sessionId } = session;
  yield { case: "started", value: { sessionId, run: started.toMessage() } };
  if (!session.isAnywhere) {
    yield {
      case: "finished",
      value: { run: started.toMessage(), summary: parts.summarize(started, request.tokenBudget) },
    };
    return;
  }
  const shown = new ShownReadings(request);
  try {
    yield* followIntervals(session, request, shown, AbortSignal.any([caller, stopping]));
    if (stopping.aborted) throw fleetStops(started.record.runId);
    if (caller.aborted) return;
    const { run, readings } = await session.stop();
    const summary = parts.summarize(run, request.tokenBudget);
    yield { case: "finished", value: { run: run.toMessage(), ...shown.take(readings), summary } };
  } finally {
    // A control plane that stops leaves them to their end.
    if (!stopping.aborted) await session.stop();
  }
}

async function* followIntervals(
  session: FleetSession,
  request: TraceRequest,
  shown: ShownReadings,
  ends: AbortSignal,
): AsyncGenerator<TraceEvent> {
  const intervalMs = request.interval ? durationMs(request.interval) : defaultIntervalMs;
  for (let number = 1; ; number++) {
    const dueMs = Math.min(session.startedAtMs + number * intervalMs, session.endsAtMs);
    await pause(Math.max(0, dueMs - Date.now()), ends);
    if (ends.aborted || Date.now() >= session.endsAtMs) return;
    const { run, readings } = await session.read();
    const value = { number, run: run.toMessage(), ...shown.take(readings) };
    await session.discard(run);
    if (ends.aborted) return;
    yield { case: "interval", value };
  }
}
