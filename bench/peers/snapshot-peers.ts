// What others take for the same two questions: all processes, and who holds a port.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { findPackageRoot } from "../../services/shared/package-root.js";

/** What a record says of a process, as far as it is compared with /proc. */
export interface ToldProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly name: string;
  readonly argv: readonly string[];
}

/** Times one answer; what was found is compared with the truth. */
export interface SnapshotPeer {
  readonly name: string;
  /** Lists all processes with their command lines; gives their pids, ours with their records. */
  processes(): Promise<{ milliseconds: number; pids: readonly number[]; told?: readonly ToldProcess[] }>;
  /** Finds the process that listens on a TCP port; ours with its name. */
  holder(port: number): Promise<{ milliseconds: number; pid: number; name?: string }>;
  close(): Promise<void>;
}

/** A peer that cannot be measured here, and why. */
export interface AbsentPeer {
  readonly name: string;
  readonly absent: string;
}

/** Every peer, or why it is absent. */
export async function openPeers(): Promise<(SnapshotPeer | AbsentPeer)[]> {
  return Promise.all([
    openOrAbsent("psutil", openPsutil),
    openOrAbsent("ps and ss", openProcpsAndSs),
    openOrAbsent("systeminformation", openSystemInformation),
  ]);
}

async function openOrAbsent(name: string, open: () => Promise<SnapshotPeer>): Promise<SnapshotPeer | AbsentPeer> {
  try {
    return await open();
  } catch (error) {
    return { name, absent: error instanceof Error ? (error.message.split("\n")[0] as string) : String(error) };
  }
}

/** Times a call. */
export async function timed<Value>(run: () => Promise<Value>): Promise<{ milliseconds: number; value: Value }> {
  const started = performance.now();
  const value = await run();
  return { milliseconds: performance.now() - started, value };
}

// Timed inside a warm interpreter: its start is not psutil's fault.
async function openPsutil(): Promise<SnapshotPeer> {
  const python = await ensurePsutil();
  const script = fileURLToPath(new URL("bench/peers/psutil_peer.py", findPackageRoot()));
  const child = execa(python, [script], { buffer: false, reject: false });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const version = await nextLine(lines);
  const ask = async (question: string) => {
    child.stdin.write(`${question}\n`);
    const [milliseconds, answer = ""] = (await nextLine(lines)).split(" ");
    return { milliseconds: Number(milliseconds), answer };
  };
  return {
    name: `psutil ${version}`,
    processes: async () => {
      const { milliseconds, answer } = await ask("processes");
      return { milliseconds, pids: answer.split(",").map(Number) };
    },
    holder: async (port) => {
      const { milliseconds, answer } = await ask(`port ${port}`);
      return { milliseconds, pid: Number(answer) };
    },
    close: async () => {
      child.stdin.end();
      await child;
    },
  };
}

async function nextLine(lines: NodeJS.AsyncIterator<string> | ReturnType<Interface[typeof Symbol.asyncIterator]>) {
  const { done, value } = await lines.next();
  if (done) throw new Error("the peer's program ended");
  return value;
}

async function ensurePsutil(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const environment = join(cache, "systems-manager", "bench-python");
  const python = join(environment, "bin", "python");
  if (!existsSync(python)) await execa("python3", ["-m", "venv", environment]);
  const has = await execa(python, ["-c", "import psutil"], { reject: false });
  if (has.exitCode !== 0) await execa(python, ["-m", "pip", "install", "--quiet", "psutil"], { timeout: 120_000 });
  return python;
}

// Timed with their own start, because that is how programs are asked.
async function openProcpsAndSs(): Promise<SnapshotPeer> {
  await Promise.all([execa("ps", ["--version"]), execa("ss", ["--version"])]);
  const fields = "pid=,ppid=,euid=,stat=,cputimes=,lstart=,rss=,nlwp=,args=";
  return {
    name: "ps and ss",
    processes: async () => {
      const { milliseconds, value } = await timed(() => execa("ps", ["-e", "-ww", "-o", fields]));
      return { milliseconds, pids: value.stdout.split("\n").map((line) => Number.parseInt(line, 10)) };
    },
    holder: async (port) => {
      const args = ["-H", "-l", "-n", "-t", "-p", "sport", "=", `:${port}`];
      const { milliseconds, value } = await timed(() => execa("ss", args));
      return { milliseconds, pid: Number(/pid=(\d+),/.exec(value.stdout)?.[1]) };
    },
    close: async () => {},
  };
}

// Within this time of a call it gives the former answer again.
const cachedMs = 600;

async function openSystemInformation(): Promise<SnapshotPeer> {
  const { default: information } = await import("systeminformation");
  return {
    name: `systeminformation ${information.version()}`,
    processes: async () => {
      await sleep(cachedMs);
      const { milliseconds, value } = await timed(() => information.processes());
      return { milliseconds, pids: value.list.map(({ pid }) => pid) };
    },
    holder: async (port) => {
      const { milliseconds, value } = await timed(() => information.networkConnections());
      const found = value.find(({ localPort, state }) => localPort === String(port) && state === "LISTEN");
      return { milliseconds, pid: found?.pid ?? 0 };
    },
    close: async () => {},
  };
}
