// Spans of a server's rpcs, in the trace of whoever called.
import { observeRpcs } from "../shared/observe-rpc.js";
import { SpanKind, startSpan } from "./spans.js";
import { readTraceHeaders, traceContextKey } from "./trace-context.js";

/** Reads the caller's trace context, makes a span of the rpc, and leaves its context to the handler. */
export const traceRpcs = observeRpcs(({ service, method, header, contextValues }) => {
  const name = `${service.typeName}/${method.name}`;
  const attributes = { "rpc.system.name": "grpc", "rpc.method": name };
  const span = startSpan(name, SpanKind.SERVER, attributes, readTraceHeaders(header));
  contextValues.set(traceContextKey, span.context);
  return (error) => span.end({ error });
});
