// A control plane as its users run it: the built command in a process of its own.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { commandPath } from "./command-process.js";

export interface Addresses {
  mcp: string;
  grpc: string;
  /** Without --no-relay. */
  relay: string;
  /** With --bus. */
  bus?: string;
}

export interface ControlPlane {
  readonly addresses: Addresses;
  readonly stateDirectory: string;
  readonly token: string;
  /** PEM that daemons verify commands with. */
  readonly verifyingKey: string;
  /** What it has printed on stdout so far. */
  output(): string;
  /** Interrupts it as Ctrl-C does and returns its exit code. */
  stop(): Promise<number | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts `systems-manager up`, on a new state directory unless one is given, and resolves when it listens. */
export async function startControlPlane(
  relayHost: string,
  extraArguments: string[] = [],
  givenDirectory?: string,
): Promise<ControlPlane> {
  const stateDirectory = givenDirectory ?? (await mkdtemp(join(tmpdir(), "systems-manager-e2e-")));
  const listen = ["--mcp", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--relay", `${relayHost}:0`];
  const args = [commandPath, "up", "--state-dir", stateDirectory, ...listen, ...extraArguments];
  let output = "";
  const child = execa(process.execPath, args, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    reject: false,
    buffer: false,
  });
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const exited = child.then((result) => result.exitCode);
  const read = (file: string) => readFile(join(stateDirectory, file), "utf8");
  const addresses = await waitForAddresses(read, exited, () => output);
  const stop = async () => {
    child.kill("SIGINT");
    return exited;
  };
  return {
    addresses,
    stateDirectory,
    token: (await read("token")).trim(),
    verifyingKey: await read("fleet.pub"),
    output: () => output,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(stateDirectory, { recursive: true, force: true });
    },
  };
}

async function waitForAddresses(
  read: (file: string) => Promise<string>,
  exited: Promise<number | undefined>,
  output: () => string,
): Promise<Addresses> {
  let ended = false;
  void exited.then(() => (ended = true));
  for (const deadline = Date.now() + 20_000; Date.now() < deadline && !ended; await sleep(50)) {
    const text = await read("addresses.json").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text) return JSON.parse(text);
  }
  throw new Error(`the control plane did not start:\n${output()}`);
}
