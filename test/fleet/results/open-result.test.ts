import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import type { OpenResultRequestSchema, ResultItem } from "../../../services/gen/systemsmanager/fleet/v1/result_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { QueryLogsResponseSchema } from "../../../services/gen/systemsmanager/telemetry/v1/log_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { type Collected, collect } from "../run/collect.js";
import { type FleetUnderTest, startFleet } from "../run/fleet-under-test.js";
import { type Behaviour, ok } from "../run/simulated-hosts.js";

const queryLogs = "systemsmanager.telemetry.v1.TelemetryService/QueryLogs";

let fleet: FleetUnderTest;

afterEach(async () => {
  vi.useRealTimers();
  await fleet.close();
});

function logs(...messages: string[]): Uint8Array {
  const entries = messages.map((message, index) => ({
    unit: "app.service",
    identifier: "app",
    priority: 4,
    pid: index,
    message,
  }));
  const response = create(QueryLogsResponseSchema, {
    entries,
    matched: entries.length > 0,
    matchedCount: BigInt(entries.length),
  });
  return toBinary(QueryLogsResponseSchema, response);
}

/** Hosts answer by the first part of their name. */
const byName: Behaviour = (call) => {
  const [kind = ""] = call.name.split("-");
  if (kind === "bad") return call.reply(failed("disk full"));
  if (kind === "denied") return call.reply({ ...failed("not allowed"), outcome: ReplyOutcome.DENIED });
  return call.reply(ok(kind === "odd" ? logs("disk error on sda", "started") : logs("started")));
};

function failed(message: string) {
  return { outcome: ReplyOutcome.FAILED, message, error: { reason: ErrorReason.COMMAND_FAILED } };
}

async function runOn(names: string[], usual: Behaviour = byName): Promise<Collected> {
  fleet = await startFleet({ usual });
  await fleet.attach(...names);
  return collect(fleet.client.run({ selector: "all", method: queryLogs, timeout: { seconds: 5n } }));
}

type Filters = Omit<MessageInitShape<typeof OpenResultRequestSchema>, "target" | "$typeName">;

function open({ run }: Collected, filters: Filters = {}) {
  return fleet.client.openResult({ target: { case: "runId", value: run.runId }, ...filters });
}

function hostsOf(items: readonly ResultItem[]): string[] {
  return items.flatMap(({ hosts }) => hosts);
}

async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (cause) => cause,
  );
  return error === undefined ? undefined : ErrorReason[errorDetailOf(error).reason];
}

describe("an opened result", () => {
  test("gives each host's answer as protobuf JSON, by name, with its state, digest and duration", async () => {
    const result = await runOn(["odd-1", "b-1", "a-1", "bad-1"]);
    const { items, matchedCount, nextPageToken, revision } = await open(result);
    expect(hostsOf(items)).toEqual(["a-1", "b-1", "bad-1", "odd-1"]);
    expect({ matchedCount, nextPageToken, revision }).toEqual({ matchedCount: 4, nextPageToken: "", revision: 1 });
    expect(items[0]?.digest).toBe(items[1]?.digest);
    expect(items[0]?.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(items[0]?.duration).toBeDefined();
    expect(JSON.parse(items[3]?.answerJson ?? "")).toMatchObject({
      entries: [{ message: "disk error on sda" }, { message: "started" }],
      matched: true,
    });
    expect(items[2]).toMatchObject({
      state: HostState.FAILED,
      digest: "",
      answerJson: "",
      error: { message: "disk full" },
    });
  });

  test.each<[string, Filters, string[]]>([
    ["one host", { host: "a-1" }, ["a-1"]],
    ["a state", { state: HostState.FAILED }, ["bad-1", "bad-2"]],
    ["a state that no host is in", { state: HostState.EXPIRED }, []],
    ["a pattern that a row matches", { pattern: "disk (error|full)" }, ["bad-1", "bad-2", "odd-1"]],
    ["a pattern that nothing matches", { pattern: "^nothing$" }, []],
    ["a state and a pattern", { state: HostState.OK, pattern: "disk" }, ["odd-1"]],
  ])("is narrowed by %s", async (_what, filters, expected) => {
    const result = await runOn(["a-1", "b-1", "odd-1", "bad-1", "bad-2", "denied-1"]);
    const { items, matchedCount } = await open(result, filters);
    expect(hostsOf(items)).toEqual(expected);
    expect(matchedCount).toBe(expected.length);
  });

  test("a pattern keeps the rows and fields that match, and counts the rows that went", async () => {
    const result = await runOn(["odd-1"]);
    const { items } = await open(result, { pattern: "(?i)DISK" });
    expect(items[0]?.filteredCount).toBe(1);
    expect(JSON.parse(items[0]?.answerJson ?? "")).toEqual({
      entries: [expect.objectContaining({ message: "disk error on sda" })],
    });
  });

  test("by group: equal answers and equal failures together, the largest first", async () => {
    const result = await runOn(["a-1", "a-2", "a-3", "odd-1", "bad-1", "bad-2", "denied-1"]);
    const { items, matchedCount } = await open(result, { byGroup: true });
    expect(matchedCount).toBe(4);
    expect(items.map(({ hosts }) => hosts)).toEqual(
      expect.arrayContaining([["a-1", "a-2", "a-3"], ["bad-1", "bad-2"], ["odd-1"], ["denied-1"]]),
    );
    expect(items[0]?.hosts).toHaveLength(3);
    expect(items[1]?.hosts).toHaveLength(2);
    const group = items[0]?.digest.slice(0, 12) as string;
    expect(hostsOf((await open(result, { group })).items)).toEqual(["a-1", "a-2", "a-3"]);
  });

  test("a group of many hosts names 200 and counts the others", async () => {
    const result = await runOn(Array.from({ length: 230 }, (_, index) => `a-${index}`));
    const { items } = await open(result, { byGroup: true });
    expect(items).toMatchObject([{ omittedHostCount: 30 }]);
    expect(items[0]?.hosts).toHaveLength(200);
  });

  test("hides what is not to be seen: escapes, direction marks, secrets; a pattern cannot find them either", async () => {
    const hostile = "\u001b[31mred\u202e password=hunter2secret \u200bdone";
    const result = await runOn(["a-1"], (call) => call.reply(ok(logs(hostile))));
    const { items } = await open(result);
    expect(JSON.parse(items[0]?.answerJson ?? "").entries[0].message).toBe("red password=[redacted] done");
    expect((await open(result, { pattern: "hunter2" })).matchedCount).toBe(0);
  });

  test("an answer beyond 64 KiB is cut at the end of its list, and says by how many rows", async () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => `line ${index} ${"x".repeat(100)}`);
    const result = await runOn(["big-1", "big-2"], (call) => call.reply(ok(logs(...lines))));
    const { items } = await open(result, { byGroup: true });
    const json = items[0]?.answerJson ?? "";
    const { entries } = JSON.parse(json);
    expect(json.length).toBeLessThanOrEqual(64 * 1024);
    expect(json.length).toBeGreaterThan(48 * 1024);
    expect(entries.length + (items[0]?.omittedCount ?? 0)).toBe(2_000);
  });
});

describe("pages", () => {
  test("follow each other without gaps or repeats, by host and by group", async () => {
    const result = await runOn(Array.from({ length: 45 }, (_, index) => `${index % 3 === 0 ? "odd" : "a"}-${index}`));
    for (const byGroup of [false, true]) {
      const seen: string[] = [];
      let pageToken = "";
      let pages = 0;
      do {
        const page = await open(result, { byGroup, pageToken, pageSize: byGroup ? 1 : 10 });
        seen.push(...hostsOf(page.items));
        pageToken = page.nextPageToken;
        pages++;
      } while (pageToken !== "");
      expect(pages).toBe(byGroup ? 2 : 5);
      expect(seen).toHaveLength(45);
      expect(new Set(seen).size).toBe(45);
    }
  });

  test("end early when they grow beyond 256 KiB", async () => {
    const lines = (name: string) => Array.from({ length: 400 }, (_, index) => `${name} ${index} ${"y".repeat(80)}`);
    const names = Array.from({ length: 12 }, (_, index) => `big-${index}`);
    const result = await runOn(names, (call) => call.reply(ok(logs(...lines(call.name)))));
    const { items, nextPageToken, matchedCount } = await open(result);
    const bytes = items.reduce((sum, { answerJson }) => sum + answerJson.length, 0);
    expect(bytes).toBeLessThanOrEqual(256 * 1024);
    expect(items.length).toBeGreaterThan(1);
    expect(items.length).toBeLessThan(12);
    expect(matchedCount).toBe(12);
    expect(nextPageToken).not.toBe("");
  });

  test.each<[string, Filters]>([
    ["another filter", { state: HostState.OK }],
    ["another pattern", { pattern: "x" }],
    ["groups instead of hosts", { byGroup: true }],
  ])("a page token does not open %s", async (_what, filters) => {
    const result = await runOn(["a-1", "a-2"]);
    const { nextPageToken } = await open(result, { pageSize: 1 });
    expect(await reasonOf(open(result, { pageToken: nextPageToken, ...filters }))).toBe("INVALID_HANDLE");
    expect(await reasonOf(open(result, { pageToken: `${nextPageToken.slice(0, -2)}xx` }))).toBe("INVALID_HANDLE");
    expect(await reasonOf(open(result, { pageToken: "garbage" }))).toBe("INVALID_HANDLE");
  });
});

describe("handles of a summary", () => {
  async function withHandles() {
    const result = await runOn(["a-1", "a-2", "odd-1", "bad-1", "denied-1"]);
    const handles = new Map(result.summary.handles.map(({ label, handle }) => [label, handle]));
    const openHandle = (label: string, filters: Filters = {}, client = fleet.client) =>
      client.openResult({ target: { case: "handle", value: handles.get(label) ?? "" }, ...filters });
    return { result, handles, openHandle };
  }

  test("open all answers, each large group, each state that is not ok", async () => {
    const { handles, openHandle } = await withHandles();
    expect([...handles.keys()]).toEqual([
      "all answers",
      "group 1 of 2 of equal answers (2 hosts)",
      "hosts in state failed (1 host)",
      "hosts in state denied (1 host)",
    ]);
    expect((await openHandle("all answers")).matchedCount).toBe(5);
    expect(hostsOf((await openHandle("group 1 of 2 of equal answers (2 hosts)")).items)).toEqual(["a-1", "a-2"]);
    expect(hostsOf((await openHandle("hosts in state denied (1 host)")).items)).toEqual(["denied-1"]);
  });

  test("are narrowed further, never left", async () => {
    const { openHandle } = await withHandles();
    const group = "group 1 of 2 of equal answers (2 hosts)";
    expect(hostsOf((await openHandle(group, { host: "a-2" })).items)).toEqual(["a-2"]);
    expect((await openHandle(group, { host: "odd-1" })).matchedCount).toBe(0);
    expect(await reasonOf(openHandle(group, { group: "0".repeat(12) }))).toBe("INVALID_HANDLE");
    expect(await reasonOf(openHandle("hosts in state denied (1 host)", { state: HostState.OK }))).toBe(
      "INVALID_HANDLE",
    );
  });

  test("are the same each time, and open after a restart", async () => {
    const { result, openHandle } = await withHandles();
    const { summary } = await fleet.client.getRun({ runId: result.run.runId });
    expect(summary).toEqual(result.summary);
    await fleet.restart();
    expect((await openHandle("all answers")).matchedCount).toBe(5);
    expect((await fleet.client.getRun({ runId: result.run.runId })).summary).toEqual(result.summary);
  });

  test("do not open for another principal, when they are forged, or after their expiry", async () => {
    const { handles, openHandle } = await withHandles();
    expect(await reasonOf(openHandle("all answers", {}, fleet.clientOf("mallory")))).toBe("INVALID_HANDLE");
    const genuine = Buffer.from(handles.get("all answers") ?? "", "base64url");
    genuine[genuine.length - 3] = (genuine[genuine.length - 3] ?? 0) ^ 1;
    for (const value of [genuine.toString("base64url"), "x", "AAAA".repeat(20)]) {
      expect(await reasonOf(fleet.client.openResult({ target: { case: "handle", value } }))).toBe("INVALID_HANDLE");
    }
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 7 * 24 * 3600_000 + 60_000 });
    expect(await reasonOf(openHandle("all answers"))).toBe("INVALID_HANDLE");
  });
});

describe("an opened result is refused", () => {
  test.each<[string, Filters, string]>([
    ["a host that the run has not", { host: "a-2" }, "UNKNOWN_HOST"],
    ["a pattern that is no RE2", { pattern: "(" }, "INVALID_ARGUMENT"],
    ["a group that is no digest", { group: "xyz" }, "INVALID_ARGUMENT"],
    ["a page that is too big", { pageSize: 1001 }, "INVALID_ARGUMENT"],
  ])("for %s", async (_what, filters, reason) => {
    const result = await runOn(["a-1"]);
    expect(await reasonOf(open(result, filters))).toBe(reason);
  });

  test("for a run of another principal, as if it did not exist", async () => {
    const { run } = await runOn(["a-1"]);
    const other = fleet.clientOf("mallory");
    const target = { case: "runId", value: run.runId } as const;
    expect(await reasonOf(other.openResult({ target }))).toBe("UNKNOWN_RUN");
    expect(await reasonOf(other.getRun({ runId: run.runId }))).toBe("UNKNOWN_RUN");
    expect(await reasonOf(other.cancelRun({ runId: run.runId }))).toBe("UNKNOWN_RUN");
    expect((await other.listRuns({})).runs).toEqual([]);
  });

  test("without a target", async () => {
    fleet = await startFleet();
    expect(await reasonOf(fleet.client.openResult({}))).toBe("INVALID_ARGUMENT");
  });
});
