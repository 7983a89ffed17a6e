// `systems-manager emulate` as its users run it: processes, progress, orders on standard input, and an end that takes all along.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { commandPath } from "../e2e/command-process.js";
import { type ControlPlane, startControlPlane } from "../e2e/control-plane.js";
import { waitFor } from "../shared/wait-for.js";

interface Progress {
  readonly event: string;
  readonly hosts: number;
  readonly pids: number[];
  readonly attached: number;
  readonly kills: number;
  readonly attachments: number;
}

let controlPlane: ControlPlane;
let directory: string;
const running: { kill(signal: NodeJS.Signals): boolean }[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane("127.0.0.1", ["--no-daemon"]);
  directory = mkdtempSync(join(tmpdir(), "systems-manager-emulate-test-"));
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

afterAll(async () => {
  await controlPlane[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function startEmulator(...extra: string[]) {
  const { stateDirectory, addresses } = controlPlane;
  const fleet = ["--relay", addresses.relay, "--fleet-key", join(stateDirectory, "fleet.pub")];
  const args = [commandPath, "emulate", "--hosts", "12", "--json", ...fleet, ...extra];
  const child = execa(process.execPath, args, { reject: false, buffer: false, stdin: "pipe" });
  const lines: Progress[] = [];
  let said = "";
  createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line) as Progress));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  running.push(child);
  return { child, said: () => said, latest: () => lines.at(-1) };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // No such process.
    return false;
  }
}

async function attach(...extra: string[]) {
  const emulator = startEmulator(...extra);
  await waitFor(() => emulator.latest()?.attached === 12, "all hosts to attach", 20_000);
  return emulator;
}

test("hosts attach over several processes, are killed by an order, and leave with a signal", async () => {
  const { child, latest, said } = await attach("--processes", "3", "--state-dir", join(directory, "one"));
  const { pids } = latest() as Progress;
  expect(new Set(pids).size).toBe(3);
  child.stdin.write('nonsense\n{"kill":{"names":["emulated-0","emulated-11"],"down":"50ms..100ms"}}\n');
  await waitFor(() => latest()?.kills === 2 && latest()?.attachments === 14, "two hosts to be killed and back");
  await waitFor(() => said().includes("nonsense"), "what it says of nonsense");
  expect(said()).toContain('"nonsense" is no order for the emulator');
  child.kill("SIGINT");
  expect((await child).exitCode).toBe(0);
  await waitFor(() => latest()?.event === "stopped", "its last line");
  expect(latest()).toMatchObject({ event: "stopped", attached: 0 });
  expect(pids.filter(isAlive)).toEqual([]);
});

test("killed with SIGKILL, it leaves no process behind", async () => {
  const { child, latest } = await attach("--processes", "2");
  const { pids } = latest() as Progress;
  child.kill("SIGKILL");
  await waitFor(() => pids.filter(isAlive).length === 0, "the processes to end");
});

test("a process of it that dies ends it with an error that names the process", async () => {
  const { child, latest, said } = await attach("--processes", "2");
  const [first, second] = (latest() as Progress).pids as [number, number];
  process.kill(first, "SIGKILL");
  expect((await child).exitCode).toBe(1);
  expect(said()).toContain(`emulator process ${first} ended with SIGKILL`);
  expect(isAlive(second)).toBe(false);
});

test("more hosts than files may be opened is refused before anything starts", async () => {
  const emulator = startEmulator("--hosts", "100000000", "--processes", "1");
  expect((await emulator.child).exitCode).toBe(1);
  expect(emulator.said()).toMatch(/ulimit -n is \d+; give --processes \d+ or more, or raise ulimit -n/);
});
