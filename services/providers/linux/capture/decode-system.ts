// Events of the system. native/linux/bpf/system_layout.h says where their fields lie.
import type { EventCursor } from "./event-cursor.js";
import { commBytes, header } from "./event-layout.js";

/** In the order of the kernel's numbers. `lostDetails`: delivered, but the target does not learn who sent it. */
const signalResults = ["delivered", "ignored", "alreadyPending", "queueFull", "lostDetails"] as const;

/** A signal that was made for a target. One that was refused is none. The subject is the sender. */
export interface Signal {
  readonly kind: "signal";
  readonly target: { readonly pid: number; readonly tid: number; readonly start: bigint; readonly comm: string };
  readonly signal: number;
  readonly result: (typeof signalResults)[number] | "unknown";
  /** si_code. */
  readonly code: number;
  /** The kernel is the sender, and the subject only ran at that time. */
  readonly isFromKernel: boolean;
}

/** The subject is the victim. */
export interface OomKill {
  readonly kind: "oomKill";
  /** In the hierarchy that accounts memory; the subject's cgroup is that of cgroup v2. */
  readonly memoryCgroup: bigint;
  readonly virtualBytes: bigint;
  readonly anonymousBytes: bigint;
  readonly fileBytes: bigint;
  readonly sharedBytes: bigint;
  readonly pageTableBytes: bigint;
  readonly scoreAdjustment: number;
  /** Whose need for memory led to it. */
  readonly trigger: { readonly pid: number; readonly comm: string };
}

export interface CapabilityCheck {
  readonly kind: "capabilityCheck";
  readonly capability: number;
  /** 0, or a negative errno. */
  readonly result: number;
  /** Inode of the user namespace that it was asked for. */
  readonly userNamespace: number;
}

/** A request that its device is done with. The subject is who handed it to the device, which for writes is often the kernel. */
export interface BlockIo {
  readonly kind: "blockIo";
  readonly disk: string;
  readonly major: number;
  readonly minor: number;
  /** Of 512 bytes. */
  readonly sector: bigint;
  readonly bytes: number;
  readonly operation: "read" | "write" | "flush" | "discard" | "other";
  readonly latencyNs: bigint;
  /** 0, or the kernel's number of the error. */
  readonly result: number;
}

const fixed = header.end;
const diskBytes = 32;
const operations: readonly BlockIo["operation"][] = ["read", "write", "flush", "discard"];

export function decodeSignal(cursor: EventCursor): Signal {
  const target = {
    start: cursor.long(fixed),
    pid: cursor.word(fixed + 8),
    tid: cursor.word(fixed + 12),
    comm: cursor.text(fixed + 32, commBytes),
  };
  return {
    kind: "signal",
    target,
    signal: cursor.word(fixed + 16),
    code: cursor.signedWord(fixed + 20),
    result: signalResults[cursor.word(fixed + 24)] ?? "unknown",
    isFromKernel: cursor.word(fixed + 28) !== 0,
  };
}

export function decodeOomKill(cursor: EventCursor): OomKill {
  return {
    kind: "oomKill",
    memoryCgroup: cursor.long(fixed),
    virtualBytes: cursor.long(fixed + 8),
    anonymousBytes: cursor.long(fixed + 16),
    fileBytes: cursor.long(fixed + 24),
    sharedBytes: cursor.long(fixed + 32),
    pageTableBytes: cursor.long(fixed + 40),
    scoreAdjustment: cursor.signedWord(fixed + 48),
    trigger: { pid: cursor.word(fixed + 52), comm: cursor.text(fixed + 56, commBytes) },
  };
}

export function decodeCapabilityCheck(cursor: EventCursor): CapabilityCheck {
  return {
    kind: "capabilityCheck",
    capability: cursor.word(fixed),
    result: cursor.signedWord(fixed + 4),
    userNamespace: cursor.word(fixed + 8),
  };
}

export function decodeBlockIo(cursor: EventCursor): BlockIo {
  return {
    kind: "blockIo",
    sector: cursor.long(fixed),
    latencyNs: cursor.long(fixed + 8),
    bytes: cursor.word(fixed + 16),
    operation: operations[cursor.word(fixed + 20)] ?? "other",
    result: cursor.signedWord(fixed + 24),
    major: cursor.word(fixed + 28),
    minor: cursor.word(fixed + 32),
    disk: cursor.text(fixed + 40, diskBytes),
  };
}
