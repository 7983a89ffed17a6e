// The OpenTelemetry SDK with its OTLP/HTTP exporter; loaded only where spans are wanted.
import { hostname } from "node:os";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Logger } from "../shared/log.js";
import { productVersion } from "../shared/version.js";
import type { Tracing } from "./start-tracing.js";

// For one export with all its attempts: also how long a process that ends is held up by a collector that is away.
const exportMs = 3_000;

/** Registers the SDK for the whole process. Baggage is not passed on: what an agent says of itself is no host's business. */
export function startExporting(part: string, log: Logger): Tracing {
  const provider = new NodeTracerProvider({
    resource: resourceOf(part),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter(isTimeoutGiven() ? {} : { timeoutMillis: exportMs })),
    ],
  });
  provider.register({ propagator: new W3CTraceContextPropagator() });
  return {
    async close() {
      await provider.shutdown().catch((error) => log.warn({ err: error }, "the last spans were not exported"));
    },
  };
}

// The SDK reads it from there itself.
function isTimeoutGiven(): boolean {
  const { OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT } = process.env;
  return Boolean(OTEL_EXPORTER_OTLP_TIMEOUT ?? OTEL_EXPORTER_OTLP_TRACES_TIMEOUT);
}

function resourceOf(part: string) {
  const own = resourceFromAttributes({
    "service.name": `systems-manager-${part}`,
    "service.namespace": "systems-manager",
    "service.version": productVersion,
    "host.name": hostname(),
  });
  return own.merge(detectResources({ detectors: [envDetector] }));
}
