// The way back: replies travel on the bus in the trace of the command that they answer.
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { CommandEnvelopeSchema } from "../../services/gen/systemsmanager/bus/v1/command_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { encodeHostIds } from "../../services/identity/target-tree.js";
import { createTraceMemory } from "../../services/relay/trace-memory.js";
import { startTracing, type Tracing } from "../../services/tracing/start-tracing.js";
import { openTestPath, type TestPath, testLog } from "../daemon/test-path.js";
import { createCommand, replyPartition, snapshotMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let tracing: Tracing;
let path: TestPath;
let batches: (Readonly<Record<string, string>> | undefined)[];

beforeAll(async () => {
  tracing = await startTracing({ part: "test", passesOn: true, log: testLog, environment: {} });
});
afterAll(() => tracing.close());

beforeEach(async () => {
  batches = [];
  path = await openTestPath();
  const replies = { topic: "replies", group: "observer", partition: replyPartition, from: "latest" } as const;
  await path.bus.subscribe(replies, async ({ headers }) => void batches.push(headers));
});
afterEach(() => path.close());

async function ask(headers: Record<string, string>): Promise<void> {
  const { hostId } = await path.startHost("one");
  const command = createCommand([hostId], { method: snapshotMethod });
  const signed = signCommand(path.fleet.key, command);
  const envelope = create(CommandEnvelopeSchema, { signed, targetIds: encodeHostIds([hostId]) });
  await path.bus.publish("commands", { key: "test", value: toBinary(CommandEnvelopeSchema, envelope), headers });
  await path.fleet.repliesTo(command);
}

test.each([
  ["a trace", { traceparent }, { traceparent }],
  ["a trace and its state", { traceparent, tracestate: "a=1" }, { traceparent, tracestate: "a=1" }],
  ["no trace", {}, {}],
  ["a malformed trace", { traceparent: "00-1-2-3" }, {}],
  ["other headers alone", { color: "red" }, {}],
])("the reply to a command with %s", async (_, given, back) => {
  await ask(given);
  await waitFor(() => batches.length > 0, "the observer's batch");
  expect(batches).toEqual([back]);
});

test("the traces of so many commands are kept, and of none without one", () => {
  const memory = createTraceMemory();
  memory.remember("none", {});
  for (let index = 0; index < 1001; index++) memory.remember(`command-${index}`, { traceparent: `trace-${index}` });
  expect(memory.traceOf("none")).toEqual({});
  expect(memory.traceOf("command-0")).toEqual({});
  expect(memory.traceOf("command-1")).toEqual({ traceparent: "trace-1" });
  expect(memory.traceOf("command-1000")).toEqual({ traceparent: "trace-1000" });
  expect(memory.traceOf(undefined)).toEqual({});
});
