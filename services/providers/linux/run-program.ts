// The one way to run a program of the host: no shell, trusted executables alone, a minimal environment, a process group that
// is ended whole, and output that is bounded at its end.
import { constants } from "node:os";
import { ConnectError } from "@connectrpc/connect";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findProgram } from "./find-program.js";
import { OutputTail, type TailText } from "./output-tail.js";
import { endProcessGroup } from "./process-group.js";

export interface RunOptions {
  /** Ends the program and all its children. */
  readonly signal: AbortSignal;
  /** Exit codes that are an answer; [0] by default. Any other is COMMAND_FAILED. */
  readonly acceptedExitCodes?: readonly number[];
  /** With any other exit code, output that matches is an answer too. */
  readonly acceptedOutput?: RegExp;
  /** Added to the minimal environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Given to the program's standard input, which is empty otherwise. */
  readonly input?: string;
  /** Bytes of standard output that are kept, its last ones; 32 MiB by default. */
  readonly stdoutLimit?: number;
  /** Time between SIGTERM and SIGKILL when the signal is aborted; 2 s by default. */
  readonly killGraceMs?: number;
  /** Gets standard output in pieces as it comes, and then none of it is kept. Ends the program by returning false. */
  readonly consume?: (chunk: Buffer) => boolean;
}

export interface ProgramResult {
  /** As a shell would tell it: 128 and the signal's number for a program that a signal ended. */
  readonly exitCode: number;
  readonly stdout: TailText;
  /** Standard output and error in the order they came: the last 16 KiB. */
  readonly output: TailText;
}

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";
const outputLimit = 16 * 1024;
const metadataLimit = 4096;
const defaultStdoutLimit = 32 * 1024 * 1024;
const defaultKillGraceMs = 2000;
// A child that outlives the program may hold its pipes for ever; what the program itself wrote is there long before.
const drainMs = 500;
// A process that hangs in the kernel outlives even SIGKILL; nobody waits for it.
const lastWaitMs = 1000;

/** Runs a program to its end. Throws PROGRAM_MISSING, COMMAND_FAILED, or what the signal was aborted with. */
export async function runProgram(name: string, args: readonly string[], options: RunOptions): Promise<ProgramResult> {
  throwIfAborted(options.signal);
  const { exitCode, stdout, output, stoppedByConsumer } = await execute(await findProgram(name), args, options);
  throwIfAborted(options.signal);
  const result = { exitCode, stdout: stdout.text(), output: output.text() };
  if (stoppedByConsumer || (options.acceptedExitCodes ?? [0]).includes(exitCode)) return result;
  if (options.acceptedOutput?.test(result.output.text)) return result;
  throw commandFailed(name, result);
}

/** Runs a program and gives its whole standard output. TOO_LARGE when that is beyond the limit. */
export async function readProgram(name: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { stdout } = await runProgram(name, args, options);
  if (stdout.cutBytes === 0) return stdout.text;
  const limit = options.stdoutLimit ?? defaultStdoutLimit;
  throw failure(ErrorReason.TOO_LARGE, `${name} wrote more than ${limit} bytes`, {
    metadata: { bytes: `${limit + stdout.cutBytes}`, limit: `${limit}` },
  });
}

/** COMMAND_FAILED. What the program wrote is untrusted and so stands in the metadata alone. */
export function commandFailed(name: string, { exitCode, output }: Pick<ProgramResult, "exitCode" | "output">) {
  return failure(ErrorReason.COMMAND_FAILED, `${name} failed with exit code ${exitCode}`, {
    metadata: { program: name, exit_code: `${exitCode}`, output: output.text.slice(-metadataLimit) },
    remedy: "the error's metadata has the end of what it wrote",
  });
}

/** Throws what the signal was aborted with as an error of this product. */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const reason: unknown = signal.reason;
  if (reason instanceof ConnectError) throw reason;
  const timedOut = reason instanceof Error && reason.name === "TimeoutError";
  throw timedOut
    ? failure(ErrorReason.DEADLINE_EXCEEDED, "the deadline passed before the host had the answer", { cause: reason })
    : failure(ErrorReason.CANCELLED, "the caller cancelled the operation", { cause: reason });
}

type Execa = typeof import("execa").execa;

interface Execution {
  readonly exitCode: number;
  readonly stdout: OutputTail;
  readonly output: OutputTail;
  readonly stoppedByConsumer: boolean;
}

async function execute(path: string, args: readonly string[], options: RunOptions): Promise<Execution> {
  const stdout = new OutputTail(options.stdoutLimit ?? defaultStdoutLimit);
  const output = new OutputTail(outputLimit);
  // Loaded with the first program: a daemon that runs none does not hold its hundred modules.
  const { execa } = await import("execa");
  const child = start(execa, path, args, options);
  const consumer = new AbortController();
  child.stdout.on("data", (chunk: Buffer) => {
    if (options.consume) return offer(options.consume, chunk, consumer);
    stdout.push(chunk);
    output.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const result = await endOf(child, AbortSignal.any([options.signal, consumer.signal]), options);
  if (consumer.signal.reason instanceof ConsumerError) throw consumer.signal.reason.cause;
  return { exitCode: exitCodeOf(path, result), stdout, output, stoppedByConsumer: consumer.signal.aborted };
}

function start(execa: Execa, path: string, args: readonly string[], options: RunOptions) {
  const home = process.getuid?.() === 0 ? "/root" : "/";
  const child = execa(path, args, {
    cwd: "/",
    env: { PATH: systemPath, LC_ALL: "C.UTF-8", HOME: home, ...options.environment },
    extendEnv: false,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    detached: true,
    cleanup: false,
    buffer: false,
    encoding: "buffer",
    reject: false,
  });
  child.once("exit", () => setTimeout(closePipes, drainMs, child).unref());
  return child;
}

type Child = ReturnType<typeof start>;

class ConsumerError extends Error {}

// An error of the consumer must not become an uncaught one of the stream.
function offer(consume: (chunk: Buffer) => boolean, chunk: Buffer, consumer: AbortController): void {
  if (consumer.signal.aborted) return;
  try {
    if (!consume(chunk)) consumer.abort();
  } catch (cause) {
    consumer.abort(new ConsumerError("the consumer failed", { cause }));
  }
}

// Waits for the program; once the signal is aborted, for the end of its whole group, and then no longer than lastWaitMs.
async function endOf(child: Child, signal: AbortSignal, { killGraceMs = defaultKillGraceMs }: RunOptions) {
  const groupId = child.pid;
  if (groupId === undefined) return await child;
  let ending: Promise<void> | undefined;
  let onAbort = () => {};
  const abandoned = new Promise<undefined>((resolve) => {
    onAbort = () => {
      ending = endProcessGroup(groupId, killGraceMs);
      ending.then(() => setTimeout(resolve, lastWaitMs, undefined).unref());
    };
  });
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const result = await Promise.race([child, abandoned]);
  signal.removeEventListener("abort", onAbort);
  await ending;
  closePipes(child);
  return result;
}

function exitCodeOf(path: string, result: Awaited<ReturnType<typeof endOf>>): number {
  if (result?.exitCode !== undefined) return result.exitCode;
  if (result?.signal) return 128 + constants.signals[result.signal];
  if (!result) return 128 + constants.signals.SIGKILL;
  throw failure(ErrorReason.COMMAND_FAILED, `${path} could not be started`, {
    metadata: { program: path, exit_code: "", output: result.originalMessage ?? "" },
    cause: result.cause,
  });
}

function closePipes(child: Child): void {
  child.stdout.destroy();
  child.stderr.destroy();
}
