// Without an SDK: nothing is made, and what the client says of its trace arrives at the host all the same.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTracing, type Tracing } from "../../services/tracing/start-tracing.js";
import { testLog } from "../daemon/test-path.js";
import { startTracedFleet, type TracedFleet } from "./traced-fleet.js";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const snapshot = { name: "capture_system_snapshot", arguments: { selector: "all" } };

let tracing: Tracing;
let fleet: TracedFleet;

beforeAll(async () => {
  tracing = await startTracing({ part: "test", passesOn: true, log: testLog, environment: {} });
});
afterAll(() => tracing.close());

beforeEach(async () => {
  fleet = await startTracedFleet();
  await fleet.startHost("one");
});
afterEach(() => fleet.close());

describe("the trace of a client arrives at the host as it was given", () => {
  const longState = `vendor=${"v".repeat(600)}`;
  test.each([
    ["in _meta", { meta: { traceparent } }, { traceparent }],
    ["in _meta with a state", { meta: { traceparent, tracestate: "a=1" } }, { traceparent, tracestate: "a=1" }],
    ["in HTTP headers", { headers: { traceparent, tracestate: "a=1" } }, { traceparent, tracestate: "a=1" }],
    ["without its state when that is too long", { meta: { traceparent, tracestate: longState } }, { traceparent }],
    [
      "without flags of the future",
      { meta: { traceparent: `${traceparent.slice(0, -2)}ff` } },
      { traceparent: `${traceparent.slice(0, -2)}03` },
    ],
    ["without baggage", { meta: { traceparent, baggage: "user=alice" } }, { traceparent }],
  ])("%s", async (_, given, arrives) => {
    await fleet.callTool({ ...snapshot, ...given });
    expect(fleet.delivered).toEqual([arrives]);
  });
});

test.each([
  ["no trace", {}],
  ["a malformed trace", { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033-01" }],
  ["a state alone", { tracestate: "a=1" }],
])("a call with %s carries none to the host", async (_, meta) => {
  await fleet.callTool({ ...snapshot, meta });
  expect(fleet.delivered).toEqual([{}]);
});

test("a direct client's trace arrives too, each call's own", async () => {
  const client = fleet.controlPlane.fleetFor({ name: "test" });
  const question = { selector: "one", method: "systemsmanager.telemetry.v1.TelemetryService/GetSystemSnapshot" };
  const traces = ["1", "2"].map((last) => traceparent.replace("203331", `20333${last}`));
  for (const trace of traces) for await (const _ of client.run(question, { headers: { traceparent: trace } }));
  expect(fleet.delivered).toEqual(traces.map((trace) => ({ traceparent: trace })));
});
