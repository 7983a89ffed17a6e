// The backend in TypeScript: works everywhere, several times slower than the addon.
import { readdir, readlink, stat } from "node:fs/promises";
import { mapLimited } from "../../../shared/map-limited.js";
import { kernelUnits } from "./clock.js";
import { maxCommandLineBytes, parseCommandLine } from "./parse-cmdline.js";
import { parseResidentPages, parseStat } from "./parse-stat.js";
import { isDenied, isVanished } from "./proc-error.js";
import type { ProcessTable, ProcSource, RawProcess, SocketDescriptor, SocketTable } from "./proc-source.js";
import { readBounded } from "./read-bounded.js";

/** Processes that are read at the same time; the threads behind it are libuv's four. */
const concurrency = 16;
/** More than /proc/PID/stat and statm ever have. */
const maxSmallBytes = 4096;

/** Reads /proc with node:fs. */
export function createProcfsSource(): ProcSource {
  return { backend: "procfs", readProcesses, readSocketHolders };
}

async function readProcesses(pids?: readonly number[]): Promise<ProcessTable> {
  const found = await mapLimited(pids ? sortedDistinct(pids) : await listPids(), concurrency, readProcess);
  return {
    processes: found.filter((process) => typeof process === "object"),
    unseenCount: found.filter((process) => process === "unseen").length,
  };
}

interface HeldSocket extends SocketDescriptor {
  readonly inode: number;
}

/** What one process holds, as far as it may be seen. */
interface ProcessSockets {
  readonly found: readonly HeldSocket[];
  readonly isUnseen: boolean;
}

async function readSocketHolders(): Promise<SocketTable> {
  const holders = new Map<number, SocketDescriptor[]>();
  const perProcess = await mapLimited(await listPids(), concurrency, readSocketDescriptors);
  for (const { inode, pid, fd } of perProcess.flatMap(({ found }) => found)) {
    const known = holders.get(inode);
    if (known) known.push({ pid, fd });
    else holders.set(inode, [{ pid, fd }]);
  }
  return { holders, unseenCount: perProcess.filter(({ isUnseen }) => isUnseen).length };
}

/** Numeric entries of a folder of /proc, ascending. */
export async function listNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

function listPids(): Promise<number[]> {
  return listNumbers("/proc");
}

function sortedDistinct(pids: readonly number[]): number[] {
  return [...new Set(pids)].sort((a, b) => a - b);
}

async function readProcess(pid: number): Promise<RawProcess | "vanished" | "unseen"> {
  try {
    const [{ uid }, statBytes] = await Promise.all([
      stat(`/proc/${pid}`),
      readBounded(`/proc/${pid}/stat`, maxSmallBytes),
    ]);
    const parsed = parseStat(statBytes.bytes);
    if (!parsed) return "vanished";
    return { ...parsed, userId: uid, ...(parsed.isKernelThread ? nothing : await readMemoryAndArguments(pid)) };
  } catch (error) {
    if (isVanished(error)) return "vanished";
    if (isDenied(error)) return "unseen";
    throw error;
  }
}

/** A kernel thread has neither memory nor arguments. */
const nothing = { residentBytes: 0, argv: [] };

async function readMemoryAndArguments(pid: number): Promise<{ residentBytes: number; argv: readonly string[] }> {
  const [statm, argv] = await Promise.all([readBounded(`/proc/${pid}/statm`, maxSmallBytes), readArguments(pid)]);
  return { residentBytes: parseResidentPages(statm.bytes.toString("latin1")) * kernelUnits().pageBytes, argv };
}

async function readArguments(pid: number): Promise<string[]> {
  const { bytes, cutBytes } = await readBounded(`/proc/${pid}/cmdline`, maxCommandLineBytes);
  return parseCommandLine(bytes.toString("utf8"), cutBytes);
}

async function readSocketDescriptors(pid: number): Promise<ProcessSockets> {
  const folder = `/proc/${pid}/fd`;
  const found: HeldSocket[] = [];
  try {
    for (const fd of await listNumbers(folder)) {
      const inode = parseSocketLink(await readLinkIfPresent(`${folder}/${fd}`));
      if (inode !== undefined) found.push({ inode, pid, fd });
    }
    return { found, isUnseen: false };
  } catch (error) {
    if (isVanished(error)) return { found, isUnseen: false };
    if (!isDenied(error)) throw error;
    // The kernel says "permission denied", too, for the descriptor of a process that has just ended.
    return { found, isUnseen: await exists(`/proc/${pid}`) };
  }
}

async function readLinkIfPresent(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    // The descriptor was closed during the walk.
    if (isVanished(error)) return "";
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isVanished(error)) return false;
    throw error;
  }
}

/** The inode in a descriptor's target "socket:[123]"; undefined for anything else. */
export function parseSocketLink(target: string): number | undefined {
  const found = /^socket:\[(\d+)\]$/.exec(target);
  return found ? Number(found[1]) : undefined;
}
