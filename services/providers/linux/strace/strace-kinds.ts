// Which kinds of events strace can tell, and by which system calls.
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { EventKind } from "../capture/event-layout.js";

const byKind = {
  exec: ["execve", "execveat"],
  fork: ["clone", "clone3", "fork", "vfork"],
  // Told by strace itself.
  exit: [],
  fileOpen: ["open", "openat", "openat2", "creat", "open_by_handle_at"],
  fileRename: ["rename", "renameat", "renameat2"],
  fileUnlink: ["unlink", "unlinkat", "rmdir"],
  fileRead: ["read", "readv", "pread64", "preadv", "preadv2", "sendfile", "copy_file_range", "splice"],
  fileWrite: ["write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice"],
  tcpConnect: ["connect"],
  tcpAccept: ["accept", "accept4"],
  udpSend: ["sendto", "sendmsg", "sendmmsg"],
  signal: ["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"],
  mount: ["mount", "move_mount"],
  umount: ["umount2"],
} as const satisfies Partial<Record<EventKind, readonly string[]>>;

/** A kind that strace can tell. */
export type StraceKind = keyof typeof byKind;

/** System calls without which nobody could tell who the processes are, and where. */
const always = [...byKind.exec, ...byKind.fork, "chdir", "fchdir"];

export function isStraceKind(kind: EventKind): kind is StraceKind {
  return kind in byKind;
}

/** These kinds. Throws UNSUPPORTED that names the ones that strace cannot tell. */
export function requireStraceKinds(kinds: readonly EventKind[]): StraceKind[] {
  const others = kinds.filter((kind) => !isStraceKind(kind));
  if (others.length === 0) return kinds.filter(isStraceKind);
  throw failure(ErrorReason.UNSUPPORTED, `strace cannot tell ${others.join(", ")}`, {
    metadata: { operation: "strace", needs: "BPF" },
    remedy: `with strace, ask for ${Object.keys(byKind).join(", ")}`,
  });
}

/** The system calls to trace for these kinds. */
export function callsOf(kinds: readonly StraceKind[]): string[] {
  return [...new Set([...always, ...kinds.flatMap((kind) => byKind[kind])])];
}

/** Which of these kinds a system call is for. */
export function kindsOf(call: string, kinds: readonly StraceKind[]): StraceKind[] {
  return kinds.filter((kind) => (byKind[kind] as readonly string[]).includes(call));
}
