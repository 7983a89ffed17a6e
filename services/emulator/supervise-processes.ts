// The emulator's processes: started with their shares of the hosts, counted together, and ended together.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ErrorReason, failure } from "../shared/errors.js";
import { settled } from "../shared/settled.js";
import { addCounters, createEmulatorCounters, type EmulatorCounters } from "./emulator-counters.js";
import type { ChildMessage, ChildOptions, EmulatorOrder, ParentMessage } from "./process-messages.js";

export interface EmulatorProcesses {
  readonly pids: readonly number[];
  /** Sums over the processes, at most a second old. */
  counters(): EmulatorCounters;
  /** Tells all. */
  send(order: EmulatorOrder): void;
  /** Rejects when a process fails or ends before it was told to. */
  readonly failed: Promise<never>;
  /** Resolves when all have ended. */
  close(): Promise<void>;
}

const program = fileURLToPath(new URL("./child-process.js", import.meta.url));
const closeGraceMs = 20_000;

/** Starts one process for each share. */
export function superviseProcesses(shares: readonly ChildOptions[]): EmulatorProcesses {
  const children = shares.map(() => fork(program, { stdio: ["ignore", "ignore", "inherit", "ipc"] }));
  const latest = shares.map(() => createEmulatorCounters());
  let closing = false;
  const failed = new Promise<never>((_, reject) => {
    children.forEach((child, index) => {
      child.on("message", (message: ChildMessage) => {
        if (message.type === "counters") latest[index] = message.counters;
        else reject(childFailed(child, message.message));
      });
      child.once("exit", (code, signal) => {
        if (!closing) reject(childFailed(child, `ended with ${signal ?? `exit code ${code}`}`));
      });
      send(child, { type: "start", options: shares[index] as ChildOptions });
    });
  });
  // Whoever waits for it hears it; until then it is no unhandled rejection.
  void settled(failed);
  return {
    pids: children.map(({ pid }) => pid as number),
    counters: () => addCounters(latest),
    send(order) {
      for (const child of children) send(child, order);
    },
    failed,
    async close() {
      closing = true;
      await Promise.all(children.map(stop));
    },
  };
}

function send(child: ChildProcess, message: ParentMessage): void {
  if (child.connected) child.send(message);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  send(child, { type: "stop" });
  const kill = setTimeout(() => child.kill("SIGKILL"), closeGraceMs);
  await exited;
  clearTimeout(kill);
}

function childFailed({ pid }: ChildProcess, what: string) {
  return failure(ErrorReason.INTERNAL, `emulator process ${pid} ${what}`, {
    metadata: { operation: "emulate" },
    remedy: "look at what it said before on stderr",
  });
}
