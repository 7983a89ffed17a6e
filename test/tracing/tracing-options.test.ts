import { describe, expect, test } from "vitest";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import { readSpanProtocol } from "../../services/tracing/tracing-options.js";

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };

describe("spans are wanted", () => {
  test.each([
    ["with an endpoint", endpoint, "http/json"],
    ["with an endpoint for traces", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" }, "http/json"],
    ["with the exporter alone", { OTEL_TRACES_EXPORTER: "otlp" }, "http/json"],
    ["as protobuf", { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" }, "http/protobuf"],
    ["not, with nothing", {}, undefined],
    ["not, with empty values", { OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_TRACES_EXPORTER: "" }, undefined],
    ["not, with the exporter none", { ...endpoint, OTEL_TRACES_EXPORTER: "none" }, undefined],
    ["not, with the SDK disabled", { ...endpoint, OTEL_SDK_DISABLED: "true" }, undefined],
    ["not, with a bad protocol of an SDK that is off", { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, undefined],
  ])("%s", (_, environment, protocol) => {
    expect(readSpanProtocol(environment)).toBe(protocol);
  });
});

test.each([
  ["OTEL_TRACES_EXPORTER", { OTEL_TRACES_EXPORTER: "zipkin" }],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc" }],
])("what this version does not have is refused by its name: %s %j", (variable, environment) => {
  const read = () => readSpanProtocol(environment);
  expect(read).toThrow(variable);
  expect(hasReason(thrownBy(read), ErrorReason.INVALID_ARGUMENT)).toBe(true);
});

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}
