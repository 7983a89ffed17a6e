// strace as a program that runs beside its targets: it ends with the daemon, whatever ends that, and leaves its targets running.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { findProgram } from "../find-program.js";
import { makeNamedPipe } from "./named-pipe.js";

export interface StraceRun {
  /** Resolves when it has let its targets go and all lines were read. */
  end(): Promise<void>;
}

interface StraceOptions {
  readonly pids: readonly number[];
  readonly calls: readonly string[];
  /** Gets every line, in order, once all targets are traced. */
  readonly onLine: (line: string) => void;
}

type Strace = ChildProcessByStdio<null, null, Readable>;

const attachTimeoutMs = 5_000;
const endTimeoutMs = 2_000;
/** Beyond it, a line is cut, and cannot be read then. */
const longestLine = 4 * 1024 * 1024;

/**
 * Resolves when all targets that are still there are traced. PROGRAM_MISSING, PRIVILEGE_MISSING, UNKNOWN_PROCESS, or DEADLINE_EXCEEDED
 * when a target cannot be stopped.
 */
export async function runStrace({ pids, calls, onLine }: StraceOptions): Promise<StraceRun> {
  const [setpriv, strace] = [await findProgram("setpriv"), await findProgram("strace")];
  const tracing = calls.map((call) => `?${call}`).join(",");
  const pipe = await makeNamedPipe();
  // In a file of its own every line begins with its thread, and none of what strace says of itself comes between.
  const format = ["-f", "-ttt", "-T", "-yy", "-s", "4096", "-xx", "-X", "raw", "--decode-pids=pidns", "-o", pipe.path];
  const which = ["-e", `trace=${tracing}`, ...pids.flatMap((pid) => ["-p", String(pid)])];
  const child = spawn(setpriv, ["--pdeathsig", "KILL", "--", strace, ...format, ...which], {
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let closed: Promise<unknown>;
  try {
    await untilAttached(child, pids);
    const output = pipe.read();
    closed = once(output, "close");
    readLines(output, onLine);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    await pipe.close();
  }
  return {
    async end() {
      // It lets its targets go. Killed, it has them let go by the kernel.
      child.kill("SIGTERM");
      const inTime = await Promise.race([closed.then(() => true), sleep(endTimeoutMs, false, { ref: false })]);
      if (!inTime) child.kill("SIGKILL");
      await closed;
    },
  };
}

function readLines(output: Readable, onLine: (line: string) => void): void {
  let rest = "";
  output.setEncoding("latin1");
  output.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() as string).slice(0, longestLine);
    lines.forEach(onLine);
  });
}

const attachedOrGone = /(?:Process |ptrace\(PTRACE_\w+, )(\d+)(?: attached|\): No such process)/g;

// strace says of each target that it is attached, or what hinders it; where none is left, it ends.
function untilAttached(child: Strace, pids: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting = new Set(pids);
    let said = "";
    const timer = setTimeout(() => reject(notStopped([...waiting])), attachTimeoutMs);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    child.once("error", settle);
    child.once("exit", () => settle(describeEnd(said, pids)));
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (chunk: string) => {
      // Of all that it says of later processes nothing is kept.
      if (waiting.size === 0) return;
      said += chunk;
      for (const [, pid] of said.matchAll(attachedOrGone)) waiting.delete(Number(pid));
      if (waiting.size === 0 && /Process \d+ attached/.test(said)) settle();
    });
  });
}

function describeEnd(said: string, pids: readonly number[]): Error {
  const what = said.replaceAll(/\s+/g, " ").trim().slice(0, 500);
  if (/No such process/.test(said)) {
    return failure(ErrorReason.UNKNOWN_PROCESS, `strace found none of the processes ${pids.join(", ")}: ${what}`, {
      metadata: { pid: String(pids[0]) },
      remedy: "list the processes of the host and choose one of these",
    });
  }
  if (/unrecognized option/.test(said)) {
    return failure(ErrorReason.UNSUPPORTED, `this strace is too old: ${what}`, {
      metadata: { operation: "strace", needs: "strace 5.9" },
      remedy: "install strace 5.9 or newer",
    });
  }
  return failure(ErrorReason.PRIVILEGE_MISSING, `strace may not trace ${pids.join(", ")}: ${what}`, {
    metadata: { needs: "root, or CAP_SYS_PTRACE" },
    remedy: "run the daemon as root or with CAP_SYS_PTRACE, and see that no other program traces these processes",
  });
}

function notStopped(pids: readonly number[]): Error {
  return failure(
    ErrorReason.DEADLINE_EXCEEDED,
    `strace could not stop ${pids.join(", ")} within ${attachTimeoutMs} ms`,
    {
      metadata: { timeout: `${attachTimeoutMs}ms` },
      remedy: "a process that waits in the kernel cannot be traced until it goes on",
    },
  );
}
