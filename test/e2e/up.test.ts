// The main job on one machine, as `npm start` runs it after the set-up: the command in a process of its own.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { commandPath } from "./command-process.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";
import { connectMcp, eras } from "./mcp-clients.js";

describe("systems-manager up", () => {
  let controlPlane: ControlPlane;
  let summaryMs: number;

  beforeAll(async () => {
    // The fastest of three, since a machine may pause.
    for (let tries = 1; ; tries++) {
      const started = performance.now();
      controlPlane = await startControlPlane("127.0.0.1");
      await vi.waitFor(() => expect(controlPlane.output()).toContain("Stop     Ctrl-C"), 10_000);
      summaryMs = performance.now() - started;
      if (summaryMs < 5_000 || tries === 3) return;
      await controlPlane[Symbol.asyncDispose]();
    }
  });

  afterAll(() => controlPlane?.[Symbol.asyncDispose]());

  test("prints a true summary of this machine and the MCP URL within 5 s", async () => {
    expect(summaryMs).toBeLessThan(5_000);
    const kernel = (await execa("uname", ["-r"])).stdout;
    expect(controlPlane.output()).toContain("GetSystemSnapshot: asked 1 host: 1 ok");
    expect(controlPlane.output()).toContain(`os.kernel_release ${kernel}`);
    expect(controlPlane.output()).toContain(controlPlane.addresses.mcp);
  });

  test("keeps the token to its owner", async () => {
    const { mode } = await stat(join(controlPlane.stateDirectory, "token"));
    expect(mode & 0o077).toBe(0);
  });

  test("refuses a second process on the same state directory", async () => {
    const args = ["up", "--state-dir", controlPlane.stateDirectory, "--mcp", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    const second = await runCommand([...args, "--relay", "127.0.0.1:0"]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(`STORAGE_FAILED: the state directory ${controlPlane.stateDirectory} is in use`);
  });

  test("names a port that is taken", async () => {
    const directory = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
    const taken = new URL(controlPlane.addresses.grpc).host;
    const args = ["up", "--state-dir", directory, "--mcp", "127.0.0.1:0", "--grpc", taken, "--relay", "127.0.0.1:0"];
    const second = await runCommand(args);
    await rm(directory, { recursive: true });
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(`cannot listen on ${taken}`);
  });

  test.each([
    [["hosts"], hostname()],
    [["ask", "list-processes", "--on", "all", "order=memory", "limit=3"], "ListProcesses: asked 1 host: 1 ok"],
    [["runs"], "GetSystemSnapshot"],
  ])("answers %j", async (args, expected) => {
    const answer = await runCommand([...args, "--state-dir", controlPlane.stateDirectory]);
    expect(answer.stdout).toContain(expected);
    expect(answer.exitCode).toBe(0);
  });

  test.each([
    [["ask", "list-proceses", "--on", "all"], 'no operation is named "list-proceses"; use one of list-processes'],
    [["ask", "list-processes", "--on", "nowhere"], "UNKNOWN_HOST"],
    [["ask", "list-processes", "--on", "labels.role =="], "SELECTOR_SYNTAX"],
    [["commit", "0".repeat(64)], "UNKNOWN_PLAN"],
    [["open", "0".repeat(20)], "INVALID_HANDLE"],
  ])("%j fails with %s", async (args, expected) => {
    const answer = await runCommand([...args, "--state-dir", controlPlane.stateDirectory]);
    expect(answer.stderr).toContain(expected);
    expect(answer.exitCode).toBe(1);
  });

  test("stops cleanly at Ctrl-C, and what ran is still there after a restart", async () => {
    const first = await startControlPlane("127.0.0.1", ["--no-daemon"]);
    const { stateDirectory } = first;
    expect(await first.stop()).toBe(0);
    const again = await startControlPlane("127.0.0.1", ["--no-daemon"], stateDirectory);
    expect(again.token).toBe(first.token);
    expect(await again.stop()).toBe(0);
    await rm(stateDirectory, { recursive: true });
  });
});

describe("systems-manager mcp with nothing else running", () => {
  test.each(eras)("a client of %s over stdio asks this machine", async (era) => {
    const directory = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
    const client = await connectMcp(era, {
      command: process.execPath,
      args: [commandPath, "mcp", "--state-dir", directory],
    });
    const answer = await client.call("capture_system_snapshot", { selector: "all" });
    expect(answer.text).toContain("asked 1 host: 1 ok");
    await client.close();
    await rm(directory, { recursive: true });
  });
});

function runCommand(args: string[]) {
  return execa(process.execPath, [commandPath, ...args], { reject: false, timeout: 20_000 });
}
