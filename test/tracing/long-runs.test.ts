// Runs that outlive what they began with, a host's attachment or the control plane itself: every command of theirs is in one trace.
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { readStarted } from "../fleet/run/collect.js";
import { type FleetUnderTest, listServices, services, silence, startFleet } from "../fleet/run/fleet-under-test.js";
import { ok, type SimulatedCall } from "../fleet/run/simulated-hosts.js";
import { waitFor } from "../shared/wait-for.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: "vendor=value" };

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let fleet: FleetUnderTest;
/** Of every message of the commands topic. */
let published: Readonly<Record<string, string>>[];

beforeAll(() => provider.register({ propagator: new W3CTraceContextPropagator() }));
afterAll(() => provider.shutdown());

beforeEach(async () => {
  published = [];
  fleet = await startFleet({
    usual: silence,
    patience: { detachGraceMs: 60_000, changeGraceMs: 60_000, relayGraceMs: 60_000 },
  });
  await fleet.attach("h");
  await fleet.bus.subscribe({ topic: "commands", group: "observer", from: "latest" }, async (message) => {
    published.push(message.headers ?? {});
  });
});

afterEach(async () => {
  await fleet.close();
  exporter.reset();
});

const ask = () => fleet.client.run({ selector: "all", method: listServices, timeout: { seconds: 60n } }, { headers });

test("a run that a restart interrupts goes on below its first span, and ends when the host answers", async () => {
  let held: SimulatedCall | undefined;
  fleet.hosts.behave("h", (call) => {
    held = call;
  });
  const { rest } = await readStarted(ask());
  await waitFor(() => held !== undefined, "the command on the host");
  const told = expect(rest.next()).rejects.toThrow("stopping");
  await fleet.restart();
  await told;
  const run = await spanNamed("run ListServices");
  expect(run.attributes["systems_manager.hosts.queued"]).toBe(1);
  await held?.reply(ok(services("a.service")));
  const resumed = await spanNamed("resume ListServices");
  expect(resumed.spanContext().traceId).toBe(traceId);
  expect(resumed.parentSpanContext?.spanId).toBe(run.spanContext().spanId);
  expect(resumed.attributes).toMatchObject({ "systems_manager.hosts.ok": 1, "systems_manager.hosts.queued": 0 });
});

test("a command that is sent again, and its cancellation, carry what the first carried", async () => {
  const { runId } = await readStarted(ask());
  await waitFor(() => published.length === 1, "the command");
  await fleet.detach("h");
  await fleet.attach("h");
  await waitFor(() => published.length === 2, "the command again");
  await fleet.client.cancelRun({ runId });
  await waitFor(() => published.length === 3, "the cancellation");
  const run = await spanNamed("run ListServices");
  const traceparent = `00-${traceId}-${run.spanContext().spanId}-01`;
  expect(published).toEqual(Array(3).fill({ traceparent, tracestate: "vendor=value" }));
});

async function spanNamed(wanted: string): Promise<ReadableSpan> {
  const found = () => exporter.getFinishedSpans().find(({ name }) => name === wanted);
  await waitFor(() => found() !== undefined, `the span ${wanted}`);
  return found() as ReadableSpan;
}
