// Structured logs on stderr; stdout belongs to answers and to MCP over stdio.
import { isSpanContextValid, trace } from "@opentelemetry/api";
import { type Logger, pino } from "pino";

export type { Logger };

/** A logger for one part of the product. Level from SYSTEMS_MANAGER_LOG: "info" when unset. */
export function createLogger(part: string): Logger {
  const level = process.env.SYSTEMS_MANAGER_LOG ?? "info";
  const timestamp = pino.stdTimeFunctions.isoTime;
  const options = { level, base: { part }, timestamp, mixin: activeTrace, serializers: { err: toLoggedError } };
  return pino(options, pino.destination(2));
}

/** An error as it is logged: without the details of its wire form, which drag the descriptors of their messages along. */
export function toLoggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { details: _, ...told } = pino.stdSerializers.err(error);
  return told;
}

// A line that is written within a span can be found by its trace. Only with an SDK is there an active span.
function activeTrace(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
