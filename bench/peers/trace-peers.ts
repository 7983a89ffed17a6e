// What others take to tell every open and every exec of a program.
import { execa } from "execa";
import { runStorm, type Storm } from "../rig/trace-storms.js";
import type { AbsentPeer } from "./snapshot-peers.js";

/** Runs a command and tells what it does to nowhere. */
export interface TracePeer {
  readonly name: string;
  readonly under: readonly string[];
}

export type Traced = "open" | "exec";

/** Runs what follows: tools look for the kernel's trace events where not every machine has them mounted. */
export const withTraceEvents = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'test -e /sys/kernel/tracing/events || mount -t tracefs tracefs /sys/kernel/tracing || exit 1; exec "$@"',
  "sh",
];

const probes: Readonly<Record<Traced, string>> = {
  open: 'tracepoint:syscalls:sys_enter_openat { printf("%s %d %s\\n", comm, pid, str(args->filename)); }',
  exec: 'tracepoint:syscalls:sys_enter_execve { printf("%s %d %s\\n", comm, pid, str(args->filename)); }',
};

const calls: Readonly<Record<Traced, string>> = { open: "openat", exec: "execve" };

const peersOf = (traced: Traced): readonly TracePeer[] => [
  {
    name: "bpftrace printf",
    // It takes a command as one text.
    under: [...withTraceEvents, "sh", "-c", `exec bpftrace -o /dev/null -e '${probes[traced]}' -c "$*"`, "sh"],
  },
  { name: "perf trace", under: [...withTraceEvents, "perf", "trace", "-o", "/dev/null", "-e", calls[traced], "--"] },
  { name: "strace", under: ["strace", "-f", "-o", "/dev/null", "-e", `trace=${calls[traced]}`] },
];

/** Every peer that can trace a short storm here, or why it cannot. */
export async function findTracePeers(traced: Traced, trial: Storm): Promise<(TracePeer | AbsentPeer)[]> {
  return Promise.all(peersOf(traced).map((peer) => findPeer(peer, trial)));
}

async function findPeer(peer: TracePeer, trial: Storm): Promise<TracePeer | AbsentPeer> {
  const program = peer.name.split(" ")[0] as string;
  try {
    await execa("sh", ["-c", `command -v ${program}`]);
  } catch {
    return { name: peer.name, absent: `${program} is not installed` };
  }
  try {
    await runStorm(trial, peer.under);
    return peer;
  } catch (error) {
    return { name: peer.name, absent: (error as Error).message.split("\n").slice(0, 3).join(" ") };
  }
}
