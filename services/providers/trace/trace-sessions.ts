// The sessions of a host: few at a time, each found again by its id, and for a while after its end.
import { equals } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import {
  type StartTraceSessionRequest,
  StartTraceSessionRequestSchema,
} from "../../gen/systemsmanager/telemetry/v1/trace_session_pb.js";
import type { TraceQuestion } from "../../gen/systemsmanager/trace/v1/question_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { OperationHandlers } from "../os-provider.js";
import type { OpenInvestigation } from "./investigation.js";
import { TraceSession } from "./trace-session.js";

export type SessionHandlers = Pick<
  OperationHandlers<typeof TelemetryService>,
  "startTraceSession" | "readTraceSession" | "stopTraceSession"
>;

/** Open until closed, which ends every session. */
export interface TraceSessions {
  readonly handlers: SessionHandlers;
  /** Begins a session, which then counts until it has ended, and is ended with all others. Throws BUSY when as many run as may. */
  admit(begin: () => Promise<TraceSession>): Promise<TraceSession>;
  close(): Promise<void>;
}

/** Each has programs, maps and a ring of its own in the kernel. */
const mostRunning = 8;
const keepMs = 10 * 60_000;
export const defaultCpuBudget = 0.1;

interface Entry {
  readonly request: StartTraceSessionRequest;
  /** Rejected when it could not be started. */
  readonly session: Promise<TraceSession>;
}

export function createTraceSessions(open: OpenInvestigation, log: Logger): TraceSessions {
  const entries = new Map<string, Entry>();
  const running = new Set<Promise<TraceSession>>();

  function admit(beginOne: () => Promise<TraceSession>): Promise<TraceSession> {
    if (running.size >= mostRunning) throw tooMany(running.size);
    const session = beginOne();
    running.add(session);
    const leave = () => running.delete(session);
    session.then(({ ended }) => void ended.then(leave), leave);
    return session;
  }

  function find(sessionId: string): Entry {
    const entry = entries.get(sessionId);
    if (entry) return entry;
    throw failure(ErrorReason.UNKNOWN_SESSION, `there is no trace session "${sessionId}" on this host`, {
      metadata: { session_id: sessionId },
      remedy: "start one; the reading of one that ended is kept for ten minutes",
    });
  }

  async function begin(request: StartTraceSessionRequest): Promise<TraceSession> {
    const { sessionId, question, duration, cpuBudget } = request;
    const investigation = await open(question as TraceQuestion);
    return new TraceSession(investigation, {
      durationMs: duration ? durationMs(duration) : 0,
      cpuBudget: cpuBudget || defaultCpuBudget,
      log: log.child({ session: sessionId }),
    });
  }

  function enter(request: StartTraceSessionRequest): Entry {
    const known = entries.get(request.sessionId);
    if (known) {
      if (equals(StartTraceSessionRequestSchema, known.request, request)) return known;
      throw sessionTaken(request.sessionId);
    }
    const entry: Entry = { request, session: admit(() => begin(request)) };
    entries.set(request.sessionId, entry);
    entry.session.then(
      (session) => void session.ended.then(() => forgetLater(request.sessionId)),
      // Whoever started it is told; the id is free again.
      () => entries.delete(request.sessionId),
    );
    return entry;
  }

  function forgetLater(sessionId: string): void {
    setTimeout(() => entries.delete(sessionId), keepMs).unref();
  }

  return {
    handlers: {
      async startTraceSession(request) {
        const session = await enter(request).session;
        const { backend, notes, endsAtMs } = session;
        return { sessionId: request.sessionId, endsAt: timestampFromMs(endsAtMs), backend, notes: [...notes] };
      },
      readTraceSession: async ({ sessionId }) => ({ reading: await (await find(sessionId).session).read() }),
      stopTraceSession: async ({ sessionId }) => ({ reading: await (await find(sessionId).session).stop() }),
    },
    admit,
    async close() {
      const started = await Promise.allSettled(running);
      await Promise.all(started.map((result) => (result.status === "fulfilled" ? result.value.stop() : undefined)));
    },
  };
}

function sessionTaken(sessionId: string) {
  return failure(ErrorReason.INVALID_ARGUMENT, `trace session "${sessionId}" asks something else already`, {
    metadata: { field: "session_id", rule: "session.same_question" },
    remedy: "choose another session_id, or stop that session first",
  });
}

function tooMany(running: number) {
  return failure(ErrorReason.BUSY, `${running} trace sessions run on this host, which is the most`, {
    metadata: { queue: "trace sessions", capacity: String(mostRunning) },
    remedy: "stop one of them, or wait until one ends",
  });
}
