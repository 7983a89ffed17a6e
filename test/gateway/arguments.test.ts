// Every tool's way from arguments to the rpc and the bytes of its request, and every way to get the arguments wrong.
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { beforeAll, describe, expect, test } from "vitest";
import { createGateway } from "../../services/gateway/gateway.js";
import type { FindHostsRequest } from "../../services/gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import type { OpenResultRequest } from "../../services/gen/systemsmanager/fleet/v1/result_pb.js";
import type { RunRequest } from "../../services/gen/systemsmanager/fleet/v1/run_operation_pb.js";
import { HostState } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { QueryLogsRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/log_pb.js";
import { StartTraceSessionRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/trace_session_pb.js";
import { TraceKey, TraceSource } from "../../services/gen/systemsmanager/trace/v1/question_pb.js";
import { changes, reads } from "./argument-rows.js";
import { type AnyClient, connectInProcess } from "./clients.js";
import { runId, type SimulatedFleet, simulateFleet } from "./simulated-fleet.js";
import { structureOf, textOf } from "./start-gateway.js";

let fleet: SimulatedFleet;
let client: AnyClient;

beforeAll(async () => {
  fleet = simulateFleet();
  client = await connectInProcess(createGateway({ fleetFor: fleet.fleetFor }), "2026-07-28");
  return () => client.close();
});

async function call(name: string, given: Record<string, unknown>) {
  fleet.asked.length = 0;
  return client.callTool({ name, arguments: given });
}

describe.each([
  { rpc: "run", rows: reads },
  { rpc: "planChange", rows: changes },
])("becomes one $rpc", ({ rpc, rows }) => {
  test.each(rows)("$tool $given", async ({ tool, given, method, schema, request }) => {
    const result = await call(tool, { selector: "labels.role == 'web'", ...given });
    expect(result.isError, textOf(result)).toBeFalsy();
    expect(fleet.asked.map((one) => one.rpc)).toEqual([rpc]);
    const [asked] = fleet.requests<RunRequest>(rpc);
    expect(asked?.selector).toBe("labels.role == 'web'");
    expect(asked?.method).toBe(method);
    expect(toJson(schema, fromBinary(schema, asked?.request as Uint8Array))).toEqual(
      toJson(schema, fromBinary(schema, request)),
    );
  });
});

test("start_system_trace asks for counts and latencies in words", async () => {
  await call("start_system_trace", { selector: "all", what: "top file_write by path", paths: ["/var"] });
  const [run] = fleet.requests<RunRequest>("run");
  const asked = fromBinary(StartTraceSessionRequestSchema, run?.request as Uint8Array);
  expect(asked.question?.question).toMatchObject({
    case: "count",
    value: { source: TraceSource.FILE_WRITE, by: TraceKey.PATH },
  });
});

test("start_system_trace asks every host for one session, whose id the agent is told", async () => {
  const result = await call("start_system_trace", { selector: "all", what: "dns", seconds: 5, ports: [53] });
  const [run] = fleet.requests<RunRequest>("run");
  expect(run?.method).toMatch(/StartTraceSession$/);
  const asked = fromBinary(StartTraceSessionRequestSchema, run?.request as Uint8Array);
  expect(asked).toMatchObject({ duration: { seconds: 5n }, question: { filter: { ports: [53] } } });
  expect(asked.question?.question).toMatchObject({ case: "events", value: { kinds: [14, 15] } });
  expect(structureOf(result).session_id).toBe(asked.sessionId);
  expect(textOf(result)).toContain(asked.sessionId);
});

test.each(["query_system_logs", "capture_system_snapshot"])(
  "timeout_seconds of %s becomes the run's timeout",
  async (tool) => {
    await call(tool, { selector: "all", timeout_seconds: 90 });
    expect(fleet.requests<RunRequest>("run")[0]?.timeout).toMatchObject(durationFromMs(90_000));
  },
);

test("an age becomes the time so long ago", async () => {
  await call("query_system_logs", { selector: "all", since: "2h" });
  const [asked] = fleet.requests<RunRequest>("run");
  const { since } = fromBinary(QueryLogsRequestSchema, asked?.request as Uint8Array);
  expect(Number(since?.seconds)).toBeCloseTo(Date.now() / 1000 - 7200, -1);
});

test("find_hosts becomes FindHosts", async () => {
  await call("find_hosts", { selector: "all", page_size: 7, page_token: "p" });
  expect(fleet.requests<FindHostsRequest>("findHosts")[0]).toMatchObject({
    selector: "all",
    pageSize: 7,
    pageToken: "p",
  });
});

test("open_result becomes OpenResult", async () => {
  const given = {
    run_id: runId,
    host: "web-1",
    state: "no_answer",
    group: "ef".repeat(6),
    pattern: "x",
    by_group: true,
  };
  await call("open_result", { ...given, page_size: 3, page_token: "p" });
  expect(fleet.requests<OpenResultRequest>("openResult")[0]).toMatchObject({
    target: { case: "runId", value: runId },
    host: "web-1",
    state: HostState.NO_ANSWER,
    group: "ef".repeat(6),
    pattern: "x",
    byGroup: true,
    pageSize: 3,
    pageToken: "p",
  });
});

const wrong: { tool: string; given: Record<string, unknown>; says: string }[] = [
  { tool: "list_services", given: {}, says: "argument selector is missing" },
  { tool: "list_services", given: { selector: " " }, says: 'argument selector cannot be " "' },
  { tool: "list_services", given: { selector: 5 }, says: "argument selector cannot be 5" },
  { tool: "list_services", given: { selector: "all", nmaes: [] }, says: 'no argument "nmaes"; use one of names' },
  {
    tool: "list_services",
    given: { selector: "all", names: "nginx" },
    says: 'argument names cannot be "nginx"; give a list',
  },
  { tool: "list_services", given: { selector: "all", names: ["a b"] }, says: 'argument names[0] cannot be "a b"' },
  { tool: "list_services", given: { selector: "all", names: [null] }, says: "argument names[0] cannot be null" },
  {
    tool: "list_services",
    given: { selector: "all", limit: 99_999 },
    says: "cannot be 99999; give a whole number from 0 to 10000",
  },
  {
    tool: "list_services",
    given: { selector: "all", limit: 1.5 },
    says: "argument limit cannot be 1.5; give a whole number",
  },
  { tool: "list_services", given: { selector: "all", limit: null }, says: "argument limit cannot be null" },
  { tool: "list_services", given: { selector: "all", active_states: ["faild"] }, says: "use one of active, reloading" },
  {
    tool: "list_packages",
    given: { selector: "all", upgradable_only: "yes" },
    says: 'cannot be "yes"; give true or false',
  },
  {
    tool: "list_packages",
    given: { selector: "all", timeout_seconds: 0 },
    says: "argument timeout_seconds cannot be 0",
  },
  { tool: "list_processes", given: { selector: "all", pattern: "x".repeat(600) }, says: "give at most 512 characters" },
  { tool: "query_system_logs", given: { selector: "all", since: "yesterday" }, says: "give RFC 3339" },
  { tool: "query_system_logs", given: { selector: "all", boot: 1 }, says: "give a whole number from -1000 to 0" },
  { tool: "get_process_details", given: { selector: "all" }, says: "none of pid, name is given; give exactly one" },
  {
    tool: "get_process_details",
    given: { selector: "all", pid: 1, name: "a" },
    says: "pid and name exclude each other",
  },
  {
    tool: "get_process_details",
    given: { selector: "all", pid: 0 },
    says: "argument pid cannot be 0; give a whole number from 1",
  },
  {
    tool: "manage_service",
    given: { selector: "all", name: "nginx" },
    says: "argument action is missing; use one of start",
  },
  {
    tool: "manage_service",
    given: { selector: "all", name: "nginx", action: "bounce" },
    says: 'cannot be "bounce"; use one of',
  },
  {
    tool: "manage_service",
    given: { selector: "all", name: "a;b", action: "stop" },
    says: 'argument name cannot be "a;b"',
  },
  {
    tool: "manage_service",
    given: { selector: "all", name: "a", action: "stop", dry_run: false },
    says: 'no argument "dry_run"',
  },
  { tool: "install_applications", given: { selector: "all", packages: [] }, says: "give 1 to 100 items" },
  { tool: "install_applications", given: { selector: "all", packages: ["a", "a"] }, says: "packages" },
  {
    tool: "install_applications",
    given: { selector: "all", packages: ["--yes"] },
    says: 'argument packages[0] cannot be "--yes"',
  },
  { tool: "commit_change", given: { plan_hash: "abc" }, says: 'argument plan_hash cannot be "abc"' },
  { tool: "start_system_trace", given: { selector: "all" }, says: "argument what is missing" },
  {
    tool: "start_system_trace",
    given: { selector: "all", what: "opens" },
    says: 'nothing can be traced by the name "opens"; use one of',
  },
  {
    tool: "start_system_trace",
    given: { selector: "all", what: "top wind" },
    says: 'there is no source "wind"; use one of syscall',
  },
  { tool: "start_system_trace", given: { selector: "all", what: "open", seconds: 0 }, says: "seconds cannot be 0" },
  { tool: "start_system_trace", given: { selector: "all", what: "open", pids: [0] }, says: "pids[0] cannot be 0" },
  { tool: "start_system_trace", given: { selector: "all", what: "open", paths: ["etc"] }, says: "paths" },
  { tool: "stop_system_trace", given: { selector: "all", session_id: "no id" }, says: "session_id" },
  { tool: "open_result", given: {}, says: "none of handle, run_id is given" },
  { tool: "open_result", given: { run_id: "7" }, says: "run_id" },
];

describe("is refused before the fleet is asked", () => {
  test.each(wrong)("$tool $given", async ({ tool, given, says }) => {
    const result = await call(tool, given);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain("[INVALID_ARGUMENT]");
    expect(textOf(result)).toContain(says);
    expect(structureOf(result)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    expect(fleet.asked).toEqual([]);
  });

  test("a tool that does not exist, with the nearest ones", async () => {
    await expect(call("list_service", {})).rejects.toThrow(/no tool "list_service"; use one of list_services/);
  });
});
