import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, it, test } from "vitest";
import { ProcessOrder, ProcessState } from "../../../../services/gen/systemsmanager/telemetry/v1/process_pb.js";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { processState } from "../../../../services/providers/linux/process/describe-process.js";
import { createListProcesses, sortProcesses } from "../../../../services/providers/linux/process/list-processes.js";
import { openProcSource } from "../../../../services/providers/linux/procfs/open-proc-source.js";
import type { RawProcess } from "../../../../services/providers/linux/procfs/proc-source.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import { stopProcess } from "../../../shared/stop-process.js";
import { argvOf, backends, call, context, RealProcesses, stateOf, until } from "../real-processes.js";

const processes = new RealProcesses();
afterEach(() => processes.end());

const { listProcesses } = TelemetryService.method;

describe.each(backends)("ListProcesses on the backend %s", (backend) => {
  const handler = createListProcesses(openProcSource(backend, context.log));
  const list = (request: Parameters<typeof call<typeof listProcesses>>[2]) => call(listProcesses, handler, request);

  it("agrees with ps about a known child", async () => {
    const pid = processes.start("sleep", ["612.25"]);
    await until(() => argvOf(pid).startsWith("sleep") && stateOf(pid) === "S");
    const { processes: rows, matchedCount, omittedCount } = await list({ pattern: "^sleep 612\\.25$" });
    expect([matchedCount, omittedCount, rows.length]).toEqual([1, 0, 1]);
    const [row] = rows;
    const fields = ["pid", "ppid", "user:32", "comm", "rss", "nlwp", "args"].flatMap((field) => ["-o", `${field}=`]);
    const ps = execFileSync("ps", ["-p", String(pid), ...fields], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    expect([row?.pid, row?.parentPid, row?.user, row?.name].map(String)).toEqual(ps.slice(0, 4));
    expect(Number(row?.rssBytes)).toBe(Number(ps[4]) * 1024);
    expect(row?.threadCount).toBe(Number(ps[5]));
    expect(row?.argv).toEqual(ps.slice(6));
    expect(row?.state).toBe(ProcessState.SLEEPING);
    expect(row?.startTime && Math.abs(timestampMs(row.startTime) - Date.now())).toBeLessThan(5000);
  });

  it("counts CPU time as ps does", async () => {
    const pid = processes.start("bash", ["-c", "while :; do :; done", "busy-loop-tag"]);
    const cpuTime = () => execFileSync("ps", ["-p", String(pid), "-o", "cputimes="], { encoding: "utf8" }).trim();
    await until(() => cpuTime() !== "0");
    const { processes: rows } = await list({ pattern: "busy-loop-tag" });
    expect(Math.abs((rows[0]?.cpuSeconds ?? 0) - Number(cpuTime()))).toBeLessThan(1.5);
    expect(rows[0]?.cpuUsage).toBeGreaterThan(0.01);
    expect(rows[0]?.cpuUsage).toBeLessThan(1.1);
  });

  it("tells a stopped process", async () => {
    const pid = processes.start("sleep", ["613"]);
    await stopProcess(pid);
    const { processes: rows } = await list({ pattern: "^sleep 613$" });
    expect(rows.map(({ state }) => state)).toEqual([ProcessState.STOPPED]);
  });

  it("searches names and command lines, and filters by owner", async () => {
    processes.start("sleep", ["614"]);
    const second = processes.start("sleep", ["614"]);
    await until(() => argvOf(second).startsWith("sleep"));
    const own = userInfo().username;
    expect((await list({ pattern: "^sleep 614$", user: own })).matchedCount).toBe(2);
    expect((await list({ pattern: "^sleep 614$", user: "no-such-user" })).matchedCount).toBe(0);
    expect((await list({ pattern: "^sleep$" })).matchedCount).toBeGreaterThanOrEqual(2);
  });

  it("cuts at the limit and counts the rest", async () => {
    const all = await list({ limit: 10000 });
    const two = await list({ limit: 2, order: ProcessOrder.MEMORY });
    expect(all.omittedCount).toBe(0);
    expect(all.processes).toHaveLength(all.matchedCount);
    expect(two.processes).toHaveLength(2);
    expect(two.omittedCount).toBe(two.matchedCount - 2);
    // Of those that were there before and after: a large one may end in between.
    const later = new Set((await list({ limit: 10000 })).processes.map(({ pid }) => pid));
    const stayed = all.processes.filter(({ pid }) => later.has(pid));
    const largest = stayed.map(({ rssBytes }) => rssBytes).sort((a, b) => Number(b - a))[0];
    expect(Number(two.processes[0]?.rssBytes)).toBeGreaterThan(Number(largest) / 2);
    expect((await list({})).processes.length).toBeLessThanOrEqual(50);
  });

  it("answers at the deadline though the walk goes on", async () => {
    const never = { ...openProcSource(backend, context.log), readProcesses: () => new Promise<never>(() => {}) };
    const signal = AbortSignal.timeout(50);
    const request = { ...listProcesses.input, pattern: "" } as never;
    await expect(createListProcesses(never)(request, { ...context, signal })).rejects.toThrow("timeout");
  });
});

test.each(["(", "a(?=b)", "(a)\\1", "[z-a]"])("the pattern %j is refused with its syntax error", async (pattern) => {
  const handler = createListProcesses(openProcSource("procfs", context.log));
  const refused = await call(listProcesses, handler, { pattern }).catch((error: unknown) => error);
  expect(errorDetailOf(refused)).toMatchObject({
    reason: ErrorReason.INVALID_ARGUMENT,
    metadata: { field: "pattern" },
  });
  expect((refused as Error).message).toContain(JSON.stringify(pattern));
});

test.each([
  ["R", ProcessState.RUNNING],
  ["S", ProcessState.SLEEPING],
  ["D", ProcessState.DISK_SLEEP],
  ["T", ProcessState.STOPPED],
  ["t", ProcessState.TRACED],
  ["Z", ProcessState.ZOMBIE],
  ["I", ProcessState.IDLE],
  ["X", ProcessState.DEAD],
  ["?", ProcessState.UNSPECIFIED],
])("the letter %s is the state %i", (letter, state) => expect(processState(letter)).toBe(state));

describe("the order", () => {
  const raw = (pid: number, ticks: number, residentBytes: number, startTicks: number): RawProcess => ({
    pid,
    parentPid: 1,
    userId: 0,
    state: "S",
    threadCount: 1,
    userTicks: ticks,
    systemTicks: 0,
    startTicks,
    residentBytes,
    name: "x",
    argv: [],
  });
  // 1: 10 s of CPU in 100 s; 2: 5 s of CPU in 10 s; 3 and 4 are equal.
  const rows = [raw(4, 0, 5, 5000), raw(1, 1000, 10, 0), raw(2, 500, 30, 9000), raw(3, 0, 5, 5000)];
  test.each([
    [ProcessOrder.UNSPECIFIED, [2, 1, 3, 4]],
    [ProcessOrder.CPU, [2, 1, 3, 4]],
    [ProcessOrder.MEMORY, [2, 1, 3, 4]],
    [ProcessOrder.START_TIME, [2, 3, 4, 1]],
  ])("%i gives the pids %j", (order, pids) => {
    expect(sortProcesses(rows, order, 100).map(({ pid }) => pid)).toEqual(pids);
  });
});
