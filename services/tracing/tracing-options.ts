// What the environment says about tracing, by OpenTelemetry's own variables. Those that are not named here (sampler, batch sizes,
// headers, timeouts) are read by the SDK itself.
import { ErrorReason, failure } from "../shared/errors.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** How spans are to be sent; undefined when none are wanted. */
export type SpanProtocol = "http/json" | "http/protobuf" | undefined;

const protocols = ["http/json", "http/protobuf"];

/** Throws INVALID_ARGUMENT for an exporter or a protocol that this version does not have. */
export function readSpanProtocol(environment: Environment): SpanProtocol {
  const exporter = environment.OTEL_TRACES_EXPORTER;
  const endpoint = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (environment.OTEL_SDK_DISABLED?.toLowerCase() === "true" || exporter === "none") return undefined;
  if (!exporter && !endpoint) return undefined;
  checkChoice("OTEL_TRACES_EXPORTER", exporter, ["otlp"]);
  const protocol = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? environment.OTEL_EXPORTER_OTLP_PROTOCOL;
  checkChoice("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, protocols);
  return (protocol || "http/json") as SpanProtocol;
}

function checkChoice(variable: string, value: string | undefined, known: readonly string[]): void {
  if (!value || known.includes(value)) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `${variable} cannot be ${JSON.stringify(value)}`, {
    metadata: { field: variable, rule: known.join(",") },
    remedy: `leave it out or use ${known.join(", ")}: OTLP over HTTP, which collectors take on port 4318`,
  });
}
