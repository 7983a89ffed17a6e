// With an SDK: one trace from the tool call to the hosts, with as many spans as hosts only on the hosts.
import { propagation, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { SpanKind as Kind, startSpan } from "../../services/tracing/spans.js";
import { readTraceContext, writeTraceContext } from "../../services/tracing/trace-context.js";
import { waitFor } from "../shared/wait-for.js";
import { startTracedFleet, type ToolCall, type TracedFleet } from "./traced-fleet.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const otherTraceId = "1bf7651916cd43dd8448eb211c80319d";
const parentId = "b7ad6b7169203331";
const sampled = `00-${traceId}-${parentId}-01`;
const snapshot = { name: "capture_system_snapshot", arguments: { selector: "all" } };

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let fleet: TracedFleet;

beforeAll(() => provider.register({ propagator: new W3CTraceContextPropagator() }));
afterAll(() => provider.shutdown());

beforeEach(async () => {
  fleet = await startTracedFleet();
});

afterEach(async () => {
  await fleet.close();
  exporter.reset();
});

describe("a tool call with a trace", () => {
  test("is one trace down to every host, each span under its cause", async () => {
    const hosts = [await fleet.startHost("one"), await fleet.startHost("two")];
    exporter.reset();
    await call({ ...snapshot, meta: { traceparent: sampled, tracestate: "vendor=value" } });
    const spans = await spansOfTrace(traceId, 6);
    const tool = only(spans, "tools/call capture_system_snapshot");
    const rpc = only(spans, "systemsmanager.fleet.v1.FleetService/Run");
    const run = only(spans, "run GetSystemSnapshot");
    const deliver = only(spans, "deliver command");
    const operations = spans.filter(({ name }) => name === "GetSystemSnapshot");
    expect([tool, rpc, run, deliver].map(parentOf)).toEqual([parentId, ...[tool, rpc, run].map(idOf)]);
    expect(operations.map(parentOf)).toEqual([idOf(deliver), idOf(deliver)]);
    expect(operations.map(({ attributes }) => attributes["host.id"]).sort()).toEqual(
      hosts.map(({ hostId }) => hostId).sort(),
    );
    expect(spans).toHaveLength(6);
    expect(spans.every((span) => span.spanContext().traceState?.serialize() === "vendor=value")).toBe(true);
    expect(tool.attributes).toMatchObject({ "mcp.method.name": "tools/call", "gen_ai.tool.name": snapshot.name });
    expect(deliver.attributes).toMatchObject({ "systems_manager.targets": 2 });
    expect(run.attributes).toMatchObject({ "systems_manager.hosts.ok": 2, "systems_manager.hosts.targeted": 2 });
    expect(run.kind).toBe(SpanKind.PRODUCER);
    expect(fleet.delivered).toEqual(
      Array(2).fill({ traceparent: `00-${traceId}-${idOf(deliver)}-01`, tracestate: "vendor=value" }),
    );
  });

  test("in the headers of its HTTP request belongs to that trace", async () => {
    await fleet.startHost("one");
    await call({ ...snapshot, headers: { traceparent: sampled } });
    await spansOfTrace(traceId, 5);
  });

  test("in both _meta and headers belongs to the trace in _meta", async () => {
    await fleet.startHost("one");
    const headers = { traceparent: `00-${otherTraceId}-${parentId}-01` };
    await call({ ...snapshot, meta: { traceparent: sampled }, headers });
    await spansOfTrace(traceId, 5);
    expect(exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === otherTraceId)).toEqual([]);
  });

  test("that its client does not sample makes no span, and its context reaches the host", async () => {
    await fleet.startHost("one");
    exporter.reset();
    await call({ ...snapshot, meta: { traceparent: `00-${traceId}-${parentId}-00` } });
    expect(fleet.delivered[0]?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    expect(exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId)).toEqual([]);
  });

  test("carries no baggage to hosts", async () => {
    await fleet.startHost("one");
    await call({ ...snapshot, meta: { traceparent: sampled, baggage: "user=alice" }, headers: { baggage: "a=b" } });
    expect(Object.keys(fleet.delivered[0] ?? {})).toEqual(["traceparent"]);
  });

  test("names the reason where a host fails, and the run is still a success", async () => {
    const getSystemSnapshot = async () => {
      throw failure(ErrorReason.BUSY, "secret words of the host");
    };
    await fleet.startHost("one", { getSystemSnapshot });
    await call({ ...snapshot, meta: { traceparent: sampled } });
    const spans = await spansOfTrace(traceId, 5);
    const operation = only(spans, "GetSystemSnapshot");
    expect(operation.attributes).toMatchObject({ "error.type": "BUSY", "systems_manager.outcome": "FAILED" });
    expect(only(spans, "run GetSystemSnapshot").attributes["systems_manager.hosts.failed"]).toBe(1);
    expect(JSON.stringify(spans.map(({ attributes, status }) => [attributes, status]))).not.toContain("secret words");
  });

  test("that fails is a failed span with its reason", async () => {
    await call({ name: snapshot.name, arguments: { selector: "nobody" }, meta: { traceparent: sampled } });
    const spans = await spansOfTrace(traceId, 2);
    for (const span of spans) {
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: "UNKNOWN_HOST" });
      expect(span.attributes["error.type"]).toBe("UNKNOWN_HOST");
    }
  });
});

describe("a tool call without a usable trace begins a new one:", () => {
  test.each([
    ["none", undefined],
    ["no text", 7],
    ["empty", ""],
    ["words", "hello"],
    ["a trace id of zeros", `00-${"0".repeat(32)}-${parentId}-01`],
    ["a parent id of zeros", `00-${traceId}-${"0".repeat(16)}-01`],
    ["an id that is too short", `00-${traceId.slice(1)}-${parentId}-01`],
    ["more than version 00 has", `${sampled}-more`],
    ["a forbidden version", `ff-${traceId}-${parentId}-01`],
    ["a line break", `${sampled}\r\nx-evil: 1`],
  ])("%s", async (_, traceparent) => {
    await fleet.startHost("one");
    exporter.reset();
    await call({ ...snapshot, meta: traceparent === undefined ? {} : { traceparent } });
    const isTool = ({ name }: ReadableSpan) => name.startsWith("tools/call");
    await waitFor(() => exporter.getFinishedSpans().some(isTool), "the span of the call");
    const tool = exporter.getFinishedSpans().find(isTool) as ReadableSpan;
    expect(tool.parentSpanContext).toBeUndefined();
    expect(tool.spanContext().traceId).not.toBe(traceId);
    expect(fleet.delivered[0]?.traceparent).toMatch(new RegExp(`^00-${tool.spanContext().traceId}-[0-9a-f]{16}-01$`));
  });
});

test("a span ends once, with its first outcome", () => {
  const span = startSpan("once", Kind.INTERNAL, {}, readTraceContext(undefined));
  span.end({ error: failure(ErrorReason.BUSY, "busy") });
  span.end();
  const [ended] = exporter.getFinishedSpans().filter(({ name }) => name === "once");
  expect(ended?.attributes["error.type"]).toBe("BUSY");
});

test("what is written can be read again, flags included", () => {
  const written = writeTraceContext(readTraceContext({ traceparent: sampled, tracestate: "a=1,b=2" }));
  expect(written).toEqual({ traceparent: sampled, tracestate: "a=1,b=2" });
  expect(propagation.fields()).toEqual(["traceparent", "tracestate"]);
});

function call(of: ToolCall) {
  return fleet.callTool(of);
}

async function spansOfTrace(id: string, count: number): Promise<ReadableSpan[]> {
  const found = () => exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === id);
  await waitFor(() => found().length >= count, `${count} spans`);
  return found();
}

function only(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0] as ReadableSpan;
}

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}
