// A trace session on many hosts as a stream: what all of them have found, merged, at every interval and at the end.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Summary } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { TraceRequest, TraceResponseSchema } from "../../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { pause } from "../../shared/pause.js";
import { fleetStops, type StreamEnds } from "../run/run-events.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { type Asking, FleetSession, type SessionParts } from "./fleet-session.js";
import { type HostReading, mergeReadings } from "./merge-readings.js";
import { NewEvents } from "./new-events.js";

export interface TraceParts extends SessionParts {
  readonly summarize: (run: TrackedRun, tokenBudget: number) => Summary;
}

type TraceEvent = NonNullable<MessageInitShape<typeof TraceResponseSchema>["event"]>;

const defaultIntervalMs = 2_000;
const defaultLimit = 100;

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
  const newEvents = new NewEvents();
  const eventsOf = (readings: readonly HostReading[]) =>
    request.question?.question.case === "events" ? newEvents.take(readings) : [];
  try {
    yield* followIntervals(session, request, eventsOf, AbortSignal.any([caller, stopping]));
    if (stopping.aborted) throw fleetStops(started.record.runId);
    if (caller.aborted) return;
    const { run, readings } = await session.stop();
    const summary = parts.summarize(run, request.tokenBudget);
    const merge = mergeReadings(readings, limitOf(request));
    yield { case: "finished", value: { run: run.toMessage(), ...merge, summary, hostEvents: eventsOf(readings) } };
  } finally {
    // A control plane that stops leaves them to their end.
    if (!stopping.aborted) await session.stop();
  }
}

async function* followIntervals(
  session: FleetSession,
  request: TraceRequest,
  eventsOf: (readings: readonly HostReading[]) => ReturnType<NewEvents["take"]>,
  ends: AbortSignal,
): AsyncGenerator<TraceEvent> {
  const intervalMs = request.interval ? durationMs(request.interval) : defaultIntervalMs;
  for (let number = 1; ; number++) {
    const dueMs = Math.min(session.startedAtMs + number * intervalMs, session.endsAtMs);
    await pause(Math.max(0, dueMs - Date.now()), ends);
    if (ends.aborted || Date.now() >= session.endsAtMs) return;
    const { run, readings } = await session.read();
    const merge = mergeReadings(readings, limitOf(request));
    const value = { number, run: run.toMessage(), ...merge, hostEvents: eventsOf(readings) };
    await session.discard(run);
    if (ends.aborted) return;
    yield { case: "interval", value };
  }
}

function limitOf({ limit, question }: TraceRequest): number {
  const asked = question?.question;
  return limit || (asked?.case && asked.case !== "events" ? asked.value.limit : 0) || defaultLimit;
}
