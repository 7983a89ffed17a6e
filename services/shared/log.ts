// Structured logs on stderr; stdout belongs to answers and to MCP over stdio.
import { isSpanContextValid, trace } from "@opentelemetry/api";
import { type Logger, pino } from "pino";

export type { Logger };

/** A logger for one part of the product. Level from SYSTEMS_MANAGER_LOG: "info" when unset. */
export function createLogger(part: string): Logger {
  const level = process.env.SYSTEMS_MANAGER_LOG ?? "info";
  const options = { level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime, mixin: activeTrace };
  return pino(options, pino.destination(2));
}

// A line that is written within a span can be found by its trace. Only with an SDK is there an active span.
function activeTrace(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
