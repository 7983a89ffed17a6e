// A process that a benchmark measures: started, watched by its output, ended with the benchmark however that ends.
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { withDescendants } from "./process-usage.js";

export interface BenchProcess {
  readonly name: string;
  readonly pid: number;
  /** Writes a line to its standard input. */
  write(line: string): void;
  /**
   * Reads its output, from where the last call stopped, up to the line of which `find` makes something. Throws with the last of its
   * output when it ends before.
   */
  waitFor<Found>(what: string, find: (line: string) => Found | undefined): Promise<Found>;
  /** Sends the signal, closes its standard input, and resolves when it has ended, and everything below it. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface BenchProcessOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it says is kept here, in a file of its name. */
  readonly logDirectory: string;
}

const shownLines = 20;
const endGraceMs = 20_000;
const running = new Set<number>();

/** Starts it. Standard output and standard error are watched alike. */
export function startProcess({ name, program, args, env = {}, logDirectory }: BenchProcessOptions): BenchProcess {
  mkdirSync(logDirectory, { recursive: true });
  const log = createWriteStream(join(logDirectory, `${name}.log`), { flags: "a" });
  const child = execa(program, args, { reject: false, buffer: false, all: true, stdin: "pipe", env });
  const pid = child.pid as number;
  running.add(pid);
  // A process that ends while it is written to says so by its exit.
  child.stdin.on("error", () => undefined);
  const output = createInterface({ input: child.all });
  const lines: string[] = [];
  let read = 0;
  let ended = false;
  output.on("line", (line) => {
    lines.push(line);
    log.write(`${line}\n`);
  });
  const exited = child.then(() => {
    ended = true;
    running.delete(pid);
    log.end();
  });

  return {
    name,
    pid,
    write: (line) => void child.stdin.write(`${line}\n`),
    async waitFor(what, find) {
      for (;;) {
        while (read < lines.length) {
          const found = find(lines[read++] as string);
          if (found !== undefined) return found;
        }
        if (ended) throw new Error(`${name} ended before it ${what}:\n${lines.slice(-shownLines).join("\n")}`);
        await Promise.race([once(output, "line"), exited]);
      }
    },
    async stop(signal) {
      if (ended) return;
      const family = withDescendants(pid);
      const timer = setTimeout(() => killAll(family), endGraceMs);
      child.kill(signal);
      child.stdin.end();
      await exited;
      clearTimeout(timer);
      killAll(family);
    },
  };
}

/** For waitFor: the values of a line of JSON with this message. */
export function logLine(message: string): (line: string) => Record<string, unknown> | undefined {
  return (line) => {
    if (!line.startsWith("{") || !line.includes(message)) return undefined;
    const values = JSON.parse(line);
    return values.msg === message ? values : undefined;
  };
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // It ended by itself.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

// Nothing that was started here outlives the benchmark.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const pid of running) killAll(withDescendants(pid));
    process.exit(130);
  });
}
