// Tool calls as those see them who trace and measure: outside of what the calls do.
import {
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { type Context, trace } from "@opentelemetry/api";
import { FleetService } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { errorDetailOf, reasonName } from "../shared/errors.js";
import { SpanKind, startSpan } from "../tracing/spans.js";
import { clientInTrace } from "../tracing/trace-client.js";
import { readTraceContext, readTraceHeaders, writeTraceContext } from "../tracing/trace-context.js";
import type { FleetClient } from "./tool.js";

/** "ok"; "asked" when the person at the client is to confirm first; or the reason of a failure: "unknown_host". */
export type CallOutcome = string;

/** Called with the tool's name when a call begins; what it returns is called when the call ends. */
export type CallObserver = (tool: string) => (outcome: CallOutcome) => void;

/** A call that goes on. */
export interface ObservedCall {
  /** The fleet, called within the call's trace. */
  readonly fleet: FleetClient;
  /** Runs the call itself, so that its log lines name the trace. */
  run<Result>(call: () => Result): Result;
  succeeded(result: CallToolResult | InputRequiredResult): void;
  failed(error: unknown): void;
}

/** Starts the call's span, in the trace of the client if it has one, and tells the observer. */
export function observeCall(
  tool: string,
  context: ServerContext,
  fleet: FleetClient,
  observer: CallObserver = () => () => undefined,
): ObservedCall {
  const attributes = { "mcp.method.name": "tools/call", "gen_ai.tool.name": tool };
  const span = startSpan(`tools/call ${tool}`, SpanKind.SERVER, attributes, callerContext(context));
  const ended = observer(tool);
  return {
    fleet: clientInTrace(FleetService, fleet, writeTraceContext(span.context)),
    run: span.run,
    succeeded(result) {
      span.end();
      ended(isInputRequiredResult(result) ? "asked" : "ok");
    },
    failed(error) {
      span.end({ error });
      ended(reasonName(errorDetailOf(error).reason).toLowerCase());
    },
  };
}

// Clients send their trace context in `_meta` (SEP-414), some only in the HTTP request's headers.
function callerContext({ mcpReq, http }: ServerContext): Context {
  const inMeta = readTraceContext(mcpReq._meta);
  return trace.getSpanContext(inMeta) ? inMeta : readTraceHeaders(http?.req?.headers);
}
