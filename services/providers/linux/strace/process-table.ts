// Who the traced threads are. strace names them by number alone; the rest is read from /proc while they are there, and otherwise known
// from whoever made them.
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { EventSubject } from "../capture/decode-event.js";
import { textUntilZero } from "../capture/kernel-text.js";
import { sinceBoot } from "../trace/boot-clock.js";

interface Thread extends Omit<EventSubject, "tid"> {
  /** When the thread itself started, since boot. */
  readonly began: bigint;
}

// USER_HZ, which every port of Linux that Node.js runs on has.
const nanosPerTick = 10_000_000n;
const commLength = 15;

export class ProcessTable {
  readonly #threads = new Map<number, Thread>();
  /** Where processes are, by pid. */
  readonly #directories = new Map<number, string>();

  knows(tid: number): boolean {
    return this.#threads.has(tid);
  }

  /** A thread of which nobody knows who made it. */
  addThread(tid: number): void {
    this.#threadOf(tid);
  }

  /** False when /proc has the thread as somebody else's. */
  canBeMadeBy(makerTid: number, tid: number): boolean {
    const { pid } = this.#threadOf(makerTid);
    const made = readThread(tid);
    return !made || made.pid === pid || made.parent === pid;
  }

  /** Threads that a process has by now. */
  addProcess(pid: number): void {
    for (const tid of tasksOf(pid)) this.addThread(tid);
    this.#moveTo(pid, readDirectory(pid));
  }

  /** The directory that relative paths of a thread begin at; undefined when it is not known. */
  directoryOf(tid: number): string | undefined {
    return this.#directories.get(this.#threadOf(tid).pid);
  }

  /** The thread's process went to a directory, which it named so. By now it may have gone on: its own word in /proc is no use. */
  changeDirectory(tid: number, named: string): void {
    const { pid } = this.#threadOf(tid);
    const from = this.#directories.get(pid);
    const isKnown = isAbsolute(named) || from !== undefined;
    this.#moveTo(pid, isKnown ? realPath(resolve(from ?? "/", named)) : undefined);
  }

  subjectOf(tid: number): EventSubject {
    const { began: _, ...subject } = this.#threadOf(tid);
    return { ...subject, tid };
  }

  /** When a thread started, since boot. */
  beganOf(tid: number): bigint {
    return this.#threadOf(tid).began;
  }

  /** A thread made another one; its events may have come before this. */
  addChild(parentTid: number, tid: number, isThread: boolean, timeNs: bigint): EventSubject {
    const known = this.#threads.get(tid);
    if (!known) {
      const parent = this.#threadOf(parentTid);
      const now = sinceBoot(timeNs);
      const thread = readThread(tid) ?? { ...parent, pid: tid, parent: parent.pid, start: now, began: now };
      // What /proc has of a thread may be of an exec that comes later.
      const made = isThread ? { ...parent, began: thread.began } : { ...thread, comm: parent.comm };
      this.#threads.set(tid, made);
      if (!isThread) this.#moveTo(tid, this.#directories.get(parent.pid));
    }
    return this.subjectOf(tid);
  }

  /** The thread runs another program, and is its process's only one. */
  replaceProgram(tid: number, filename: string): void {
    const thread = this.#threadOf(tid);
    const { user } = readThread(tid) ?? thread;
    const comm = filename.slice(filename.lastIndexOf("/") + 1).slice(0, commLength);
    this.#threads.set(tid, { ...thread, user, comm });
    for (const [other, { pid }] of this.#threads) {
      if (other !== tid && pid === thread.pid) this.#threads.delete(other);
    }
  }

  /** True when it was the last one of its process. */
  remove(tid: number): boolean {
    const { pid } = this.#threadOf(tid);
    this.#threads.delete(tid);
    const isLast = ![...this.#threads.values()].some((thread) => thread.pid === pid);
    if (isLast) this.#directories.delete(pid);
    return isLast;
  }

  #moveTo(pid: number, directory: string | undefined): void {
    if (directory === undefined) this.#directories.delete(pid);
    else this.#directories.set(pid, directory);
  }

  #threadOf(tid: number): Thread {
    const thread = this.#threads.get(tid) ?? readThread(tid) ?? unknownThread(tid);
    this.#threads.set(tid, thread);
    return thread;
  }
}

function unknownThread(tid: number): Thread {
  return { pid: tid, start: 0n, began: 0n, parent: 0, user: 0, cgroup: 0n, comm: "" };
}

/** Undefined when it is gone. */
function readThread(tid: number): Thread | undefined {
  return whileThere(() => {
    const status = readFileSync(`/proc/${tid}/status`, "latin1");
    const numberOf = (field: string) => Number(new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? 0);
    const pid = numberOf("Tgid");
    return {
      pid,
      parent: numberOf("PPid"),
      user: numberOf("Uid"),
      start: startOf(`/proc/${pid}/stat`),
      began: startOf(`/proc/${pid}/task/${tid}/stat`),
      cgroup: cgroupOf(pid),
      comm: textUntilZero(readFileSync(`/proc/${pid}/task/${tid}/comm`).subarray(0, -1)),
    };
  });
}

/** Name of a process; empty when it is gone. */
export function commOf(pid: number): string {
  return readThread(pid)?.comm ?? "";
}

/** Undefined when the process is gone. */
function readDirectory(pid: number): string | undefined {
  return whileThere(() => readlinkSync(`/proc/${pid}/cwd`));
}

/** Without links; undefined when it is gone. */
function realPath(path: string): string | undefined {
  return whileThere(() => realpathSync(path));
}

function whileThere<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function startOf(path: string): bigint {
  const stat = readFileSync(path, "latin1");
  return BigInt(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? 0) * nanosPerTick;
}

function cgroupOf(pid: number): bigint {
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
  if (path === undefined) return 0n;
  return statSync(`/sys/fs/cgroup${path}`, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}

function tasksOf(pid: number): number[] {
  return whileThere(() => readdirSync(`/proc/${pid}/task`).map(Number)) ?? [];
}

/** A process and all that it has started and that is there now. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const pid = Number(name);
    const parent = readThread(pid)?.parent ?? 0;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function isGone(error: unknown): boolean {
  return ["ENOENT", "ESRCH", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
