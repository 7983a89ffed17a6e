// Real children for the tests, each ended by the one who started it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { loadIteratorSource } from "../../../services/providers/linux/native.js";
import type { OperationContext, OperationHandler } from "../../../services/providers/os-provider.js";
import { createLogger } from "../../../services/shared/log.js";

/** Why this machine has no iterators; undefined when it has. On a machine that must have them, CI=true, tests then fail and are not skipped. */
export const iteratorsAbsent = whyNoIterators();

/** The backends that are here; the suite of each capability runs on every one of them. */
export const backends = [
  ...(iteratorsAbsent === undefined ? (["iterators"] as const) : []),
  "native",
  "procfs",
] as const;

function whyNoIterators(): string | undefined {
  const loaded = loadIteratorSource();
  if ("source" in loaded) return undefined;
  if (process.env.CI === "true" && process.geteuid?.() === 0) throw new Error(`no iterators: ${loaded.reason}`);
  console.warn(`suites skip the backend iterators: ${loaded.reason}`);
  return loaded.reason;
}

export const context: OperationContext = { signal: new AbortController().signal, log: createLogger("test") };

/** Calls a handler as the daemon does, and completes its answer to a message. */
export async function call<Method extends DescMethodUnary>(
  method: Method,
  handler: OperationHandler<Method>,
  request: MessageInitShape<Method["input"]>,
): Promise<MessageShape<Method["output"]>> {
  const input = create(method.input, request) as MessageShape<Method["input"]>;
  return create(method.output, await handler(input, context)) as MessageShape<Method["output"]>;
}

/** Ends what it started when the scope or the test ends. */
export class RealProcesses {
  readonly #children: ChildProcess[] = [];
  readonly #folders: string[] = [];

  /** Starts a program; its standard input stays open until the end. */
  start(program: string, args: readonly string[], environment: Record<string, string> = {}): number {
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#children.push(child);
    if (child.pid === undefined) throw new Error(`cannot start ${program}`);
    return child.pid;
  }

  /** A program of this name (bytes as in a shell's $'...'), which does nothing for a minute. The kernel names it by its file. */
  async startNamed(name: string): Promise<number> {
    const folder = mkdtempSync(join(tmpdir(), "named-"));
    this.#folders.push(folder);
    const pid = this.start("bash", [
      "-c",
      `cp "$(command -v sleep)" "$0"/$'${name}' && exec "$0"/$'${name}' 60`,
      folder,
    ]);
    await until(() => argvOf(pid).endsWith("\x0060\0"));
    return pid;
  }

  async end(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true });
  }
}

/** Waits until the condition holds; fails after 5 s. */
export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (condition()) return;
    await sleep(10);
  }
  throw new Error(`still not true after 5 s: ${condition}`);
}

/** The state letter of a process, straight from /proc. */
export function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat[stat.lastIndexOf(")") + 2] as string;
}

/** The only child of a process. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim());
}

/** The command line, straight from /proc. */
export function argvOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1");
}

/** Some views need another user; only root can become one. */
export const isRoot = process.geteuid?.() === 0;

/** Runs as the user nobody. Every thread of this process changes with it, so nothing else may run meanwhile. */
export async function asNobody<Value>(run: () => Promise<Value>): Promise<Value> {
  process.seteuid?.(65534);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}
