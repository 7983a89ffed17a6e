// The addon by itself: its layout, its errors, and what it leaves behind.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, test } from "vitest";
import {
  builtAddonPath,
  decodeProcesses,
  decodeSocketHolders,
  loadNativeSource,
} from "../../services/providers/linux/native.js";
import { openProcSource } from "../../services/providers/linux/procfs/open-proc-source.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { createLogger } from "../../services/shared/log.js";
import { backends, isRoot } from "../providers/linux/real-processes.js";

const addon = createRequire(import.meta.url)(builtAddonPath());
const log = createLogger("test");
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe("a packed buffer", () => {
  it("has the layout's version, its count, and records at multiples of eight", async () => {
    const view = new DataView(await addon.readProcesses());
    expect(view.getUint32(0, true)).toBe(addon.layoutVersion);
    const count = view.getUint32(4, true);
    let at = 16;
    for (let index = 0; index < count; index++) {
      const size = view.getUint32(at, true);
      expect([at % 8, size % 8]).toEqual([0, 0]);
      at += size;
    }
    expect(at).toBe(view.byteLength);
  });

  it("of sockets has 16 bytes a descriptor", async () => {
    const buffer: ArrayBuffer = await addon.readSocketHolders();
    expect(buffer.byteLength).toBe(16 + 16 * new DataView(buffer).getUint32(4, true));
  });

  it("without records is decoded, too", () => {
    expect(decodeProcesses(new ArrayBuffer(16))).toEqual({ processes: [], unseenCount: 0 });
    expect(decodeSocketHolders(new ArrayBuffer(16))).toEqual({ holders: new Map(), unseenCount: 0 });
  });

  it("keeps a process's text when others are asked for later", async () => {
    const [self] = decodeProcesses(await addon.readProcesses(Uint32Array.of(process.pid))).processes;
    for (let round = 0; round < 50; round++) await addon.readProcesses();
    expect(self?.argv).toEqual(readFileSync("/proc/self/cmdline", "utf8").replace(/\0+$/, "").split("\0"));
  });
});

test.each(["x", 1, null, [1], new Uint8Array(1), new Float64Array(1), {}])(
  "readProcesses(%j) is a TypeError",
  (argument) => {
    expect(() => addon.readProcesses(argument)).toThrow(TypeError);
  },
);

it("leaves no descriptor open", async () => {
  await addon.readSocketHolders();
  const before = readdirSync("/proc/self/fd").length;
  for (let round = 0; round < 30; round++) await Promise.all([addon.readProcesses(), addon.readSocketHolders()]);
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});

it("rejects with the errno when a process has no descriptor left, and lives on", () => {
  const script = `
    const fs = require("node:fs");
    const addon = require(process.argv[1]);
    const held = [];
    try { for (;;) held.push(fs.openSync("/dev/null")); } catch (error) { if (error.code !== "EMFILE") throw error; }
    Promise.allSettled([addon.readProcesses(), addon.readSocketHolders()]).then(async (results) => {
      for (const fd of held) fs.closeSync(fd);
      const after = await addon.readProcesses();
      console.log(JSON.stringify([...results.map(({ reason }) => [reason?.message, reason?.errno]), after.byteLength > 16]));
    });
  `;
  const command = 'ulimit -n 64; exec "$0" -e "$1" "$2"';
  const output = execFileSync("bash", ["-c", command, process.execPath, script, builtAddonPath()], {
    encoding: "utf8",
  });
  const [processes, sockets, worksAgain] = JSON.parse(output);
  expect(processes).toEqual(["cannot open /proc: Too many open files", -24]);
  expect(sockets).toEqual(["cannot open /proc: Too many open files", -24]);
  expect(worksAgain).toBe(true);
});

it("works in worker threads, and in several at once", () => {
  const script = `
    const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");
    const work = 'const { parentPort, workerData } = require("node:worker_threads");' +
      'require(workerData).readProcesses().then((buffer) => parentPort.postMessage(buffer.byteLength));';
    const sizes = [1, 2, 3].map(() => new Promise((resolve) => new Worker(work, { eval: true, workerData: process.argv[1] }).on("message", resolve)));
    Promise.all(sizes).then((all) => console.log(all.every((size) => size > 16)));
  `;
  expect(execFileSync(process.execPath, ["-e", script, builtAddonPath()], { encoding: "utf8" })).toBe("true\n");
});

describe("without the addon", () => {
  const absent = "/nonexistent/systems_manager_native.node";

  it("auto takes the TypeScript backend", () => {
    expect(openProcSource("auto", log, absent).backend).toBe("procfs");
    expect(openProcSource("auto", log).backend).toBe(backends[0]);
  });

  it("native is an error that says how to build it", () => {
    try {
      openProcSource("native", log, absent);
      expect.unreachable();
    } catch (error) {
      expect(errorDetailOf(error).reason).toBe(ErrorReason.UNSUPPORTED);
      expect((error as Error).message).toContain(absent);
      expect((error as Error).message).toContain("npx cmake-js compile");
    }
  });

  it("iterators of a simulated addon without them are an error that names what its build lacked", () => {
    const folder = mkdtempSync(join(tmpdir(), "addon-"));
    folders.push(folder);
    const path = join(folder, "without.cjs");
    writeFileSync(path, "module.exports = { layoutVersion: 1 };");
    expect(openProcSource("auto", log, path).backend).toBe("native");
    try {
      openProcSource("iterators", log, path);
      expect.unreachable();
    } catch (error) {
      expect(errorDetailOf(error).reason).toBe(ErrorReason.UNSUPPORTED);
      expect((error as Error).message).toContain("built without clang, bpftool or libbpf-dev");
    }
  });

  it.skipIf(!isRoot)("(needs root) a user without rights gets no iterators, is told why, and reads /proc", () => {
    const script = `
      const addon = require(process.argv[1]);
      process.setuid(65534);
      try { addon.openIterators(); } catch (error) { console.log(error.errno, error.message); }
    `;
    const output = execFileSync(process.execPath, ["-e", script, builtAddonPath()], {
      encoding: "utf8",
      stdio: "pipe",
    });
    expect(output).toBe("-1 load the iterators: Operation not permitted\n");
  });

  it("nor is a file that is no addon taken for one", () => {
    const folder = mkdtempSync(join(tmpdir(), "addon-"));
    folders.push(folder);
    writeFileSync(join(folder, "broken.node"), "not an ELF file");
    expect(loadNativeSource(join(folder, "broken.node"))).toEqual({ reason: expect.stringContaining("broken.node") });
  });

  it("nor one of another layout", () => {
    const folder = mkdtempSync(join(tmpdir(), "addon-"));
    folders.push(folder);
    writeFileSync(join(folder, "stale.cjs"), "module.exports = { layoutVersion: 99 };");
    expect(loadNativeSource(join(folder, "stale.cjs"))).toEqual({
      reason: expect.stringContaining("record layout 99"),
    });
  });
});
