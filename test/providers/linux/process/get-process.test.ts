import { execFileSync } from "node:child_process";
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ProcessState } from "../../../../services/gen/systemsmanager/telemetry/v1/process_pb.js";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { createGetProcess } from "../../../../services/providers/linux/process/get-process.js";
import { openProcSource } from "../../../../services/providers/linux/procfs/open-proc-source.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import {
  argvOf,
  asNobody,
  backends,
  call,
  childOf,
  context,
  isRoot,
  RealProcesses,
  stateOf,
  until,
} from "../real-processes.js";

const processes = new RealProcesses();
const folders: string[] = [];
afterEach(async () => {
  await processes.end();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const { getProcess } = TelemetryService.method;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "get-process-"));
  folders.push(folder);
  return folder;
}

describe.each(backends)("GetProcess on the backend %s", (backend) => {
  const handler = createGetProcess(openProcSource(backend, context.log));
  const byPid = (pid: number, limit = 0) => call(getProcess, handler, { target: { case: "pid", value: pid }, limit });
  const byName = (name: string) => call(getProcess, handler, { target: { case: "name", value: name } });

  it("shows a child's files, environment names, folder, executable, cgroup, ancestry and memory", async () => {
    const folder = temporaryFolder();
    const script = `cd ${folder} && exec 7<${folder}/../ && exec sleep 60`;
    const pid = processes.start("bash", ["-c", script], { SECRET_TOKEN: "do-not-show", ALPHA: "1" });
    await until(() => argvOf(pid).startsWith("sleep"));
    const [details, ...others] = (await byPid(pid)).processes;
    if (!details) throw new Error("no details");
    expect(others).toEqual([]);
    expect(details.process).toMatchObject({ pid, parentPid: process.pid, name: "sleep", argv: ["sleep", "60"] });
    expect(details.environmentNames).toEqual(expect.arrayContaining(["ALPHA", "PATH", "SECRET_TOKEN"]));
    expect(JSON.stringify(details, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
      "do-not-show",
    );
    expect(details.workingDirectory).toBe(folder);
    expect(details.executable).toMatch(/\/(sleep|coreutils|busybox)$/);
    expect(details.openFiles).toContainEqual(expect.objectContaining({ fd: 7, target: tmpdir() }));
    expect(details.openFileCount).toBe(details.openFiles.length);
    expect(details.ancestry[0]).toMatchObject({ pid: process.pid });
    expect(details.ancestry.at(-1)).toMatchObject({ pid: 1 });
    const cgroups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    expect(cgroups).toContain(`:${details.cgroup}\n`);
    expect(details.threads).toEqual([
      expect.objectContaining({ tid: pid, name: "sleep", state: ProcessState.SLEEPING }),
    ]);
    expect(details.pssBytes).toBeGreaterThan(0n);
    expect(details.pssBytes).toBeLessThanOrEqual(BigInt(details.process?.rssBytes ?? 0n) * 2n);
    const maps = readFileSync(`/proc/${pid}/maps`, "utf8").trim().split("\n");
    expect(details.memoryMapCount).toBe(maps.length);
    expect(details.memoryMaps[0]?.start).toBe(BigInt(`0x${maps[0]?.split("-")[0]}`));
    expect(details.unavailable).toEqual([]);
  });

  it("gives this process's threads, as ps has them, and counts beyond the limit", async () => {
    const [details] = (await byPid(process.pid, 2)).processes;
    const threads = execFileSync("ps", ["-L", "-p", String(process.pid), "-o", "lwp="], { encoding: "utf8" });
    expect(Math.abs((details?.threadCount ?? 0) - threads.trim().split(/\s+/).length)).toBeLessThanOrEqual(2);
    expect([details?.threads.length, details?.memoryMaps.length, details?.openFiles.length]).toEqual([2, 2, 2]);
    expect(details?.memoryMapCount).toBeGreaterThan(100);
    expect(details?.threads[0]?.tid).toBe(process.pid);
  });

  it("names a deleted executable as the kernel does", async () => {
    const program = join(temporaryFolder(), "gone");
    copyFileSync("/bin/sleep", program);
    const pid = processes.start(program, ["60"]);
    await until(() => argvOf(pid).endsWith("60\0"));
    rmSync(program);
    const [details] = (await byPid(pid)).processes;
    expect(details?.executable).toBe(`${program} (deleted)`);
  });

  it("shows a zombie, which has nothing left to be unavailable", async () => {
    const parent = processes.start("bash", ["-c", "sleep 0 & exec sleep 60"]);
    await until(() => argvOf(parent).startsWith("sleep") && stateOf(childOf(parent)) === "Z");
    const [details] = (await byPid(childOf(parent))).processes;
    expect(details?.process?.state).toBe(ProcessState.ZOMBIE);
    expect(details?.unavailable).toEqual([]);
    expect([details?.executable, details?.memoryMapCount, details?.openFileCount]).toEqual(["", 0, 0]);
    expect(details?.ancestry[0]).toMatchObject({ pid: parent, name: "sleep" });
  });

  it.skipIf(!hasKernelThreads())("shows a kernel thread", async () => {
    const [details] = (await byPid(2)).processes;
    expect(details?.process).toMatchObject({ name: "kthreadd", argv: [], rssBytes: 0n });
    expect(details?.unavailable).toEqual([]);
    expect(details?.ancestry).toEqual([]);
  });

  it("finds all processes of a name, answers 16 and counts the rest", async () => {
    const name = `many-${process.pid}`.slice(0, 15);
    const program = join(temporaryFolder(), name);
    copyFileSync("/bin/sleep", program);
    const pids = Array.from({ length: 18 }, () => processes.start(program, ["60"])).sort((a, b) => a - b);
    await until(() => pids.every((pid) => argvOf(pid).endsWith("60\0")));
    const { processes: found, omittedCount } = await byName(name);
    expect(found.map((details) => details.process?.pid)).toEqual(pids.slice(0, 16));
    expect(omittedCount).toBe(2);
  });

  it("fails with UNKNOWN_PROCESS for a pid and a name that nothing has", async () => {
    const noPid = await byPid(4194303).catch((error: unknown) => error);
    expect(errorDetailOf(noPid)).toMatchObject({ reason: ErrorReason.UNKNOWN_PROCESS, metadata: { pid: "4194303" } });
    const noName = await byName("no-such-name").catch((error: unknown) => error);
    expect(errorDetailOf(noName).reason).toBe(ErrorReason.UNKNOWN_PROCESS);
    expect((noName as Error).message).toContain('"no-such-name"');
  });

  it("shows what a descriptor is, a file being one", async () => {
    const path = join(temporaryFolder(), "held");
    const fd = openSync(path, "w");
    try {
      const [details] = (await byPid(process.pid, 10000)).processes;
      expect(details?.openFiles).toContainEqual(expect.objectContaining({ fd, target: path }));
      expect(details?.openFiles.some(({ target }) => /^(anon_inode|pipe|socket):/.test(target))).toBe(true);
    } finally {
      closeSync(fd);
    }
  });
});

describe.skipIf(!isRoot).each(backends)("seen by another user (needs root), the backend %s", (backend) => {
  const handler = createGetProcess(openProcSource(backend, context.log));

  it("refuses a process of root, by pid and by name, and says what it needs", async () => {
    const pid = processes.start("sleep", ["60"]);
    await until(() => argvOf(pid).startsWith("sleep"));
    for (const target of [{ case: "pid", value: pid } as const, { case: "name", value: "sleep" } as const]) {
      const refused = await asNobody(() => call(getProcess, handler, { target })).catch((error: unknown) => error);
      expect(errorDetailOf(refused)).toMatchObject({
        reason: ErrorReason.PRIVILEGE_MISSING,
        metadata: { needs: "root" },
      });
    }
  });

  it("names the parts that the kernel refuses of a process of its own", async () => {
    const pid = processes.start("setpriv", [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--no-new-privs",
      "sleep",
      "60",
    ]);
    await until(() => argvOf(pid).startsWith("sleep"));
    const { processes: found } = await asNobody(() =>
      call(getProcess, handler, { target: { case: "pid", value: pid } }),
    );
    expect(found[0]?.process).toMatchObject({ pid, name: "sleep", threadCount: 1 });
    // This process was root and is therefore closed to itself, too: what is refused is named, not left empty in silence.
    const refused = found[0]?.unavailable ?? [];
    expect(refused.every((part) => part.endsWith(": permission denied"))).toBe(true);
    expect((found[0]?.openFileCount ?? 0) > 0 || refused.includes("open_files: permission denied")).toBe(true);
  });
});

function hasKernelThreads(): boolean {
  return readFileSync("/proc/2/comm", "utf8").startsWith("kthreadd");
}
