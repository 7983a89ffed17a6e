// A process of the product under chaos: started, killed, stopped in mid-air and started again, always with the same arguments.
import { appendFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { withDescendants } from "../../../bench/rig/process-usage.js";

export interface ManagedProcess {
  readonly name: string;
  readonly isRunning: boolean;
  /** Resolves when it is ready; rejects when it ends before. */
  start(): Promise<void>;
  /** SIGKILL to it and to everything below it. */
  kill(): Promise<void>;
  /** SIGTERM; SIGKILL to what has not ended in time. */
  stop(): Promise<void>;
  /** Stops and continues it and everything below it (SIGSTOP, SIGCONT). */
  pause(): void;
  resume(): void;
  /** Writes a line to its standard input. */
  write(line: string): void;
}

export interface ManagedProcessOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it says is added there. */
  readonly logFile: string;
  /** Asked again and again after a start, with what it has said since. */
  readonly isReady: (said: () => string) => Promise<boolean>;
  /** Told when it ends and nobody ended it. */
  readonly onUnexpectedEnd: (what: string) => void;
}

const readyWithinMs = 60_000;
const readyEveryMs = 50;
const startWithinMs = 60_000;
const startEveryMs = 500;
const stopWithinMs = 15_000;
const running = new Set<ManagedProcess>();

/** Describes it; start() starts it. */
export function manageProcess(options: ManagedProcessOptions): ManagedProcess {
  const { name, program, args, env = {}, logFile, isReady, onUnexpectedEnd } = options;
  let child: ReturnType<typeof spawn> | undefined;
  let ending = false;

  function spawn() {
    const log = { file: logFile, append: true } as const;
    const started = execa(program, args, {
      reject: false,
      buffer: false,
      stdin: "pipe",
      stdout: log,
      stderr: log,
      env,
    });
    // Whoever writes to a process that has just ended learns so by its exit.
    started.stdin.on("error", () => undefined);
    return started;
  }

  async function waitUntilReady(loggedBefore: number): Promise<void> {
    const said = () => readFileSync(logFile).subarray(loggedBefore).toString();
    for (const deadline = Date.now() + readyWithinMs; !(await isReady(said)); await sleep(readyEveryMs)) {
      if (!managed.isRunning) throw new Error(`${name} ended while it started; see ${logFile}`);
      if (Date.now() > deadline) throw new Error(`${name} was not ready within ${readyWithinMs} ms; see ${logFile}`);
    }
  }

  async function signalAndWait(send: () => void): Promise<void> {
    if (!managed.isRunning || !child) return;
    ending = true;
    send();
    await child;
  }

  const managed: ManagedProcess = {
    name,
    get isRunning() {
      return child !== undefined && child.exitCode === null && child.signalCode === null;
    },
    async start() {
      let isReadyNow = false;
      ending = false;
      mkdirSync(dirname(logFile), { recursive: true });
      appendFileSync(logFile, "");
      const loggedBefore = statSync(logFile).size;
      const started = spawn();
      child = started;
      running.add(managed);
      void started.then(({ exitCode, signal }) => {
        running.delete(managed);
        const what = `${name} ended by itself with ${signal ?? `exit code ${exitCode}`}; see ${logFile}`;
        if (isReadyNow && !ending) onUnexpectedEnd(what);
      });
      await waitUntilReady(loggedBefore);
      isReadyNow = true;
    },
    kill: () => signalAndWait(() => signalFamily(child?.pid, "SIGKILL")),
    async stop() {
      const timer = setTimeout(() => signalFamily(child?.pid, "SIGKILL"), stopWithinMs);
      await signalAndWait(() => child?.kill("SIGTERM"));
      clearTimeout(timer);
    },
    pause: () => signalFamily(managed.isRunning ? child?.pid : undefined, "SIGSTOP"),
    resume: () => signalFamily(managed.isRunning ? child?.pid : undefined, "SIGCONT"),
    write: (line) => void child?.stdin.write(`${line}\n`),
  };
  return managed;
}

/** Starts it. What cannot start, because another part is not ready, is started again, as a service manager would. */
export async function startAgain(managed: ManagedProcess): Promise<void> {
  for (const deadline = Date.now() + startWithinMs; ; await sleep(startEveryMs)) {
    try {
      return await managed.start();
    } catch (error) {
      if (managed.isRunning || Date.now() > deadline) throw error;
    }
  }
}

/** Ends whatever still runs: for an interrupted chaos run. */
export async function killManagedProcesses(): Promise<void> {
  await Promise.all([...running].map((managed) => managed.kill()));
}

function signalFamily(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  for (const member of withDescendants(pid).reverse()) {
    try {
      process.kill(member, signal);
    } catch (error) {
      // It ended by itself.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
