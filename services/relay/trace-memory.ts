// The traces of recent commands, so that the batches of replies to them travel in the same trace.
import type { TraceHeaders } from "../tracing/trace-context.js";

export interface TraceMemory {
  /** Only what has a trace takes room. */
  remember(commandId: string, trace: TraceHeaders): void;
  /** Empty when the command has no trace, or is too long ago. */
  traceOf(commandId: string | undefined): TraceHeaders;
}

const maxCommands = 1_000;
const noTrace: TraceHeaders = {};

export function createTraceMemory(): TraceMemory {
  const traces = new Map<string, TraceHeaders>();
  return {
    remember(commandId, trace) {
      if (trace.traceparent === undefined) return;
      traces.set(commandId, trace);
      const [oldest] = traces.keys();
      if (traces.size > maxCommands && oldest !== undefined) traces.delete(oldest);
    },
    traceOf: (commandId) => traces.get(commandId ?? "") ?? noTrace,
  };
}
