// Reading processes and who holds sockets in bulk. Three backends give the same: iterators of the kernel, the native addon on /proc, and
// plain TypeScript; open-proc-source.ts chooses.
import type { RawSocket } from "../socket/raw-socket.js";

/** One process as the kernel tells it. Text is decoded when it is asked for. */
export interface RawProcess {
  readonly pid: number;
  /** 0 for none. */
  readonly parentPid: number;
  /** Effective user id, as `ps` shows it. */
  readonly userId: number;
  /** The kernel's letter: "R", "S", "D", ... */
  readonly state: string;
  readonly threadCount: number;
  /** CPU time in clock ticks. */
  readonly userTicks: number;
  readonly systemTicks: number;
  /** Clock ticks between boot and its start; with the pid it identifies the process beyond pid reuse. */
  readonly startTicks: number;
  readonly residentBytes: number;
  /** The kernel's name for it, bytes that are not UTF-8 replaced. */
  readonly name: string;
  /** Empty for kernel threads and zombies. Past 32 KiB it is cut, and its last element says by how much. */
  readonly argv: readonly string[];
}

/** Processes in the order of their pids. */
export interface ProcessTable {
  readonly processes: readonly RawProcess[];
  /** Processes that exist and may not be read (hidepid). Those that ended meanwhile are not counted. */
  readonly unseenCount: number;
}

/** A descriptor through which a process holds a socket. */
export interface SocketDescriptor {
  readonly pid: number;
  readonly fd: number;
}

/** Who holds which socket. */
export interface SocketTable {
  /** Descriptors by socket inode, in the order of pid and descriptor. */
  readonly holders: ReadonlyMap<number, readonly SocketDescriptor[]>;
  /** Processes whose descriptors may not be read. */
  readonly unseenCount: number;
}

/** Reads without blocking the event loop. Calls may overlap; there is nothing to close. */
export interface ProcSource {
  readonly backend: "iterators" | "native" | "procfs";
  /** These processes, or all. Those that do not exist are left out. */
  readProcesses(pids?: readonly number[]): Promise<ProcessTable>;
  /** Walks the descriptors of all processes. Who holds these sockets, by inode, is always told, and of others what came with it; or all. */
  readSocketHolders(inodes?: readonly number[]): Promise<SocketTable>;
  /** TCP sockets of this network namespace, those with this port as their own or, by 0, all. Absent: /proc/net has them. */
  readTcpSockets?(port: number): Promise<readonly RawSocket[]>;
  /** The same of UDP. */
  readUdpSockets?(port: number): Promise<readonly RawSocket[]>;
}
