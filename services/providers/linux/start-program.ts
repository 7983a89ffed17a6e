// The process of a program: what it is given, and how it ended.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { ErrorReason, failure } from "../../shared/errors.js";

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";
// A child that outlives the program may hold its pipes for ever; what the program itself wrote is there long before.
const drainMs = 500;

/** Beyond what every program gets. */
export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard input, which is empty otherwise. */
  readonly input?: string;
}

/** A program that was started; its standard output and error are pipes. */
export type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** Starts it as the leader of a process group of its own. Throws COMMAND_FAILED; what the system says later comes by untilClosed. */
export function startProgram(path: string, args: readonly string[], { environment, input }: StartOptions): Child {
  const child = spawnChild(path, args, environment, input === undefined ? "ignore" : "pipe");
  child.once("exit", () => setTimeout(closePipes, drainMs, child).unref());
  // A program may end without reading all of it; what that means is said by its exit code.
  child.stdin?.on("error", () => undefined).end(input);
  return child;
}

function spawnChild(
  path: string,
  args: readonly string[],
  environment: StartOptions["environment"],
  stdin: "ignore" | "pipe",
): Child {
  const home = process.getuid?.() === 0 ? "/root" : "/";
  const env = { PATH: systemPath, LC_ALL: "C.UTF-8", HOME: home, ...environment };
  try {
    return spawn(path, args, { cwd: "/", env, stdio: [stdin, "pipe", "pipe"], detached: true }) as Child;
  } catch (error) {
    throw notStarted(path, error as Error);
  }
}

/** How a program ended: with a code, by a signal, or not begun. */
export interface ProgramEnd {
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals;
  readonly error?: Error;
}

/** Resolves when its pipes are closed too, or when it could not be started. */
export function untilClosed(child: Child): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("close", (exitCode, signal) => resolve(signal ? { signal } : { exitCode: exitCode as number }));
  });
}

/** Whoever holds the other ends reads and writes into the void from now on. */
export function closePipes(child: Child): void {
  child.stdout.destroy();
  child.stderr.destroy();
}

/** COMMAND_FAILED for a program that never ran. */
export function notStarted(path: string, cause: Error) {
  return failure(ErrorReason.COMMAND_FAILED, `${path} could not be started`, {
    metadata: { program: path, exit_code: "", output: cause.message },
    cause,
  });
}
