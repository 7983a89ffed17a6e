// Events of files. native/linux/bpf/file_layout.h says where their fields lie.
import type { EventCursor } from "./event-cursor.js";
import { type eventKinds, header } from "./event-layout.js";
import { textUntilZero } from "./kernel-text.js";

/** A file as an event names it. */
export interface EventPath {
  /** The kernel's own path; otherwise what the caller gave, which another thread may have changed meanwhile. */
  readonly path: string;
  readonly isResolved: boolean;
  /** The kernel's path of the directory that a path is relative to; undefined for one that is absolute or unknown. */
  readonly directory?: string;
}

export interface FileOpen extends EventPath {
  readonly kind: "fileOpen";
  /** Descriptor, or a negative errno. */
  readonly result: number;
  readonly flags: number;
  readonly mode: number;
}

export interface FileRename {
  readonly kind: "fileRename";
  readonly from: EventPath;
  readonly to: EventPath;
  /** 0, or a negative errno. */
  readonly result: number;
  /** Of renameat2(2). */
  readonly flags: number;
}

export interface FileUnlink extends EventPath {
  readonly kind: "fileUnlink";
  /** 0, or a negative errno. */
  readonly result: number;
  readonly isDirectory: boolean;
}

/** By descriptor; not what goes through mapped memory or io_uring. */
export interface FileTransfer extends EventPath {
  readonly kind: "fileRead" | "fileWrite";
  /** Bytes, or a negative errno. */
  readonly result: number;
  readonly descriptor: number;
}

export interface Mount extends EventPath {
  readonly kind: "mount";
  /** As the caller gave it; empty when a descriptor stands for it. */
  readonly source: string;
  /** Of the file system; empty when the call does not name it. */
  readonly type: string;
  readonly result: number;
  readonly flags: number;
}

export interface Umount extends EventPath {
  readonly kind: "umount";
  readonly result: number;
  readonly flags: number;
}

export interface ModuleLoad extends EventPath {
  readonly kind: "moduleLoad";
  /** Its bytes were given, and no file: there is no path. */
  readonly isFromMemory: boolean;
  readonly parameters: string;
  readonly result: number;
}

const fixed = header.end;

export function decodeFileOpen(cursor: EventCursor): FileOpen {
  const call = {
    kind: "fileOpen" as const,
    result: cursor.signedWord(fixed),
    flags: cursor.word(fixed + 4),
    mode: cursor.word(fixed + 8),
  };
  return Object.assign(call, decodePath(cursor, fixed + 16, cursor.strings(fixed + 24)));
}

export function decodeFileRename(cursor: EventCursor): FileRename {
  const strings = cursor.strings(fixed + 16);
  const from = decodePath(cursor, fixed + 8, strings);
  const to = decodePath(cursor, fixed + 12, strings.subarray(cursor.half(fixed + 8)));
  return { kind: "fileRename", result: cursor.signedWord(fixed), flags: cursor.word(fixed + 4), from, to };
}

export function decodeFileUnlink(cursor: EventCursor): FileUnlink {
  const path = decodePath(cursor, fixed + 8, cursor.strings(fixed + 16));
  const isDirectory = cursor.word(fixed + 4) !== 0;
  return Object.assign({ kind: "fileUnlink" as const, result: cursor.signedWord(fixed), isDirectory }, path);
}

export function decodeFileTransfer(
  cursor: EventCursor,
  kind: keyof Pick<typeof eventKinds, "fileRead" | "fileWrite">,
): FileTransfer {
  const path = decodePath(cursor, fixed + 12, cursor.strings(fixed + 16));
  const result = Number(BigInt.asIntN(64, cursor.long(fixed)));
  return Object.assign({ kind, result, descriptor: cursor.word(fixed + 8) }, path);
}

export function decodeMount(cursor: EventCursor): Mount {
  const strings = cursor.strings(fixed + 16);
  const sourceAt = cursor.half(fixed + 8);
  const typeAt = sourceAt + cursor.half(fixed + 12);
  const call = {
    kind: "mount" as const,
    result: cursor.signedWord(fixed),
    flags: cursor.word(fixed + 4),
    source: textUntilZero(strings.subarray(sourceAt, typeAt)),
    type: textUntilZero(strings.subarray(typeAt)),
  };
  return Object.assign(call, decodePath(cursor, fixed + 8, strings));
}

export function decodeUmount(cursor: EventCursor): Umount {
  const path = decodePath(cursor, fixed + 8, cursor.strings(fixed + 16));
  const call = { kind: "umount" as const, result: cursor.signedWord(fixed), flags: cursor.word(fixed + 4) };
  return Object.assign(call, path);
}

export function decodeModuleLoad(cursor: EventCursor): ModuleLoad {
  const strings = cursor.strings(fixed + 16);
  const call = {
    kind: "moduleLoad" as const,
    result: cursor.signedWord(fixed),
    isFromMemory: cursor.word(fixed + 4) !== 0,
    parameters: textUntilZero(strings.subarray(cursor.half(fixed + 8))),
  };
  return Object.assign(call, decodePath(cursor, fixed + 8, strings));
}

// The path that these strings begin with.
function decodePath(cursor: EventCursor, offset: number, strings: Buffer): EventPath {
  const bytes = Math.min(cursor.half(offset), strings.length);
  const givenAt = Math.min(cursor.half(offset + 2), bytes);
  const path = textUntilZero(strings, givenAt, bytes);
  if (givenAt === 0) return { path, isResolved: cursor.isResolved };
  // Without the slash between them; that of the root is its own.
  return { path, isResolved: cursor.isResolved, directory: textUntilZero(strings, 0, Math.max(givenAt - 1, 1)) };
}
