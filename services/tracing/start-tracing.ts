// Switches tracing on for a process. Spans are made only when the environment names a collector; the trace context of askers is
// passed on in any case, by those processes that pass anything on.
import { DiagLogLevel, diag, propagation } from "@opentelemetry/api";
import type { Logger } from "../shared/log.js";
import { readSpanProtocol } from "./tracing-options.js";

export interface TracingOptions {
  /** Name of the process's part: service.name is "systems-manager-" and this, unless OTEL_SERVICE_NAME says otherwise. */
  readonly part: string;
  /** False for processes at the end of the path, which without spans need not know of traces. */
  readonly passesOn: boolean;
  readonly log: Logger;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Tracing that is on until closed; closing sends what is left, for at most a few seconds. */
export interface Tracing {
  close(): Promise<void>;
}

/** Once per process, before anything else starts. Throws INVALID_ARGUMENT for settings that cannot be met. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { part, passesOn, log, environment = process.env } = options;
  const protocol = readSpanProtocol(environment);
  if (protocol) {
    if (protocol !== "http/json") log.warn({ protocol }, "spans are sent as http/json, to the same address");
    diag.setLogger(diagnosticsTo(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    const { startExporting } = await import("./export-spans.js");
    return startExporting(part, log);
  }
  if (passesOn) {
    const { W3CTraceContextPropagator } = await import("@opentelemetry/core");
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  }
  return { close: async () => undefined };
}

// What the SDK has to say, such as that the collector is away. None of it is an error of the product.
function diagnosticsTo(log: Logger) {
  const warn = (text: string) => log.warn({ detail: messageIn(text) }, "spans may be missing");
  const debug = (text: string) => log.debug({ detail: text }, "tracing");
  return { error: warn, warn, info: debug, debug, verbose: debug };
}

// The SDK writes an error down as JSON, with its stack.
function messageIn(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    return JSON.parse(text).message ?? text;
  } catch {
    // Then it is a text of its own.
    return text;
  }
}
