// W3C trace context on its way from the tool call to the host and back: what headers, `_meta`, bus messages and deliveries carry.
// Without a propagator (see start-tracing.ts) nothing is read and nothing is written.

import { createContextKey } from "@connectrpc/connect";
import { type Context, propagation, ROOT_CONTEXT, type TextMapGetter, trace } from "@opentelemetry/api";

/** "traceparent", and "tracestate" where there is one. Empty when there is no trace. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** Where the trace interceptor leaves the context of an rpc for its handler. */
export const traceContextKey = createContextKey<Context>(ROOT_CONTEXT, { description: "trace context" });

// Sampled and random.
const knownFlags = 0x03;

const headersGetter: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
};

/** The context that these fields carry; the root context when they carry none, or a malformed one. */
export function readTraceContext(fields: Readonly<Record<string, unknown>> | undefined): Context {
  return fields ? withKnownFlags(propagation.extract(ROOT_CONTEXT, fields)) : ROOT_CONTEXT;
}

/** As readTraceContext, from the headers of a request. */
export function readTraceHeaders(headers: Headers | undefined): Context {
  return headers ? withKnownFlags(propagation.extract(ROOT_CONTEXT, headers, headersGetter)) : ROOT_CONTEXT;
}

// Flags that are not defined yet are not to be passed on, and the propagator would write them as a malformed value.
function withKnownFlags(context: Context): Context {
  const span = trace.getSpanContext(context);
  if (!span || (span.traceFlags & ~knownFlags) === 0) return context;
  return trace.setSpanContext(context, { ...span, traceFlags: span.traceFlags & knownFlags });
}

/** What carries this context on. */
export function writeTraceContext(context: Context): TraceHeaders {
  const headers: Record<string, string> = {};
  propagation.inject(context, headers);
  return headers;
}
