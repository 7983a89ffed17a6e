// What a system call means as events.
import type { CaptureEvent, EventSubject } from "../capture/decode-event.js";
import type { EventPath } from "../capture/decode-file.js";
import { textUntilZero } from "../capture/kernel-text.js";
import { describeConnection } from "./describe-socket.js";
import {
  isCut,
  parseDescriptor,
  parseNumber,
  parsePid,
  parseString,
  splitList,
  UnreadableError,
} from "./parse-values.js";
import { commOf, type ProcessTable } from "./process-table.js";
import type { StraceKind } from "./strace-kinds.js";
import type { SystemCall } from "./system-call.js";

/** An event without what every event has. */
export type EventDetail = CaptureEvent extends infer Event
  ? Event extends CaptureEvent
    ? Omit<Event, "time" | "cpu" | "sequence" | "subject">
    : never
  : never;

const cloneThread = 0x10000;
const removeDirectory = 0x200;

/** The events of a kind that a call is; none when it is of another kind after all. Throws UnreadableError. */
export function describeCall(kind: StraceKind, call: SystemCall, processes: ProcessTable): EventDetail[] {
  const place = () => processes.directoryOf(call.tid);
  switch (kind) {
    case "exec":
      return call.result === 0 ? [describeExec(call)] : [];
    case "fork":
      return call.result > 0 ? [describeFork(call, processes)] : [];
    case "fileOpen":
      return [describeOpen(call, place)];
    case "fileRename":
      return [describeRename(call, place)];
    case "fileUnlink":
      return [describeUnlink(call, place)];
    case "fileRead":
    case "fileWrite":
      return describeTransfer(kind, call);
    case "signal":
      return call.result < 0 ? [] : [describeSignal(call)];
    case "mount":
      return [describeMount(call, place)];
    case "umount":
      return [describeUmount(call, place)];
    case "tcpConnect":
    case "tcpAccept":
    case "udpSend":
      return describeConnection(kind, call);
    case "exit":
      return [];
  }
}

/** The program that an exec runs. */
export function filenameOf({ name, words }: SystemCall): string {
  return textOf(word(words, name === "execveat" ? 1 : 0));
}

/** Where a chdir or an fchdir leads. */
export function directoryOf({ name, words }: SystemCall): string {
  const first = word(words, 0);
  if (name === "chdir") return textOf(first);
  const { target } = parseDescriptor(first);
  return target ? textUntilZero(target) : "";
}

/** True when a clone made a thread of the same process. */
export function makesThread({ name, words }: SystemCall): boolean {
  const flags = words.join(", ").match(/\bflags=([^,}]+)/)?.[1];
  return name.startsWith("clone") && flags !== undefined && (parseNumber(flags) & cloneThread) !== 0;
}

function describeExec(call: SystemCall): EventDetail {
  const list = word(call.words, call.name === "execveat" ? 2 : 1);
  if (!list.startsWith("[") || !list.endsWith("]")) throw new UnreadableError(`no arguments: ${list.slice(0, 100)}`);
  const all = splitList(list.slice(1, -1));
  const argv = all.filter((each) => each !== "...").map(textOf);
  // How much strace has cut it does not tell: at least one byte.
  const cutBytes = all.some(isCut) ? 1 : 0;
  return { kind: "exec", filename: filenameOf(call), argv, cutBytes };
}

function describeFork(call: SystemCall, processes: ProcessTable): EventDetail {
  const { pid, tid, start }: EventSubject = processes.addChild(call.tid, call.result, makesThread(call), call.timeNs);
  return { kind: "fork", child: { pid, tid, start } };
}

function describeOpen({ name, words, result, resultText }: SystemCall, place: Place): EventDetail {
  const hasDirectory = name !== "open" && name !== "creat";
  const given = hasDirectory ? givenAt(word(words, 0), word(words, 1)) : givenPath(place, word(words, 0));
  const target = result < 0 ? undefined : parseDescriptor(resultText).target;
  const path = target ? { path: textUntilZero(target), isResolved: true } : given;
  if (name === "openat2") {
    const [, flags = "0", mode = "0"] = /\bflags=([^,}]+)(?:, mode=([^,}]+))?/.exec(word(words, 2)) ?? [];
    return { kind: "fileOpen", ...path, result, flags: parseNumber(flags), mode: parseNumber(mode) };
  }
  if (name === "creat") return { kind: "fileOpen", ...path, result, flags: 0o1101, mode: parseNumber(word(words, 1)) };
  const flags = parseNumber(word(words, hasDirectory ? 2 : 1));
  const mode = name === "open_by_handle_at" ? "0" : (words[hasDirectory ? 3 : 2] ?? "0");
  return { kind: "fileOpen", ...path, result, flags, mode: parseNumber(mode) };
}

function describeRename({ name, words, result }: SystemCall, place: Place): EventDetail {
  if (name === "rename") {
    const [from, to] = [givenPath(place, word(words, 0)), givenPath(place, word(words, 1))];
    return { kind: "fileRename", from, to, result, flags: 0 };
  }
  const from = givenAt(word(words, 0), word(words, 1));
  const to = givenAt(word(words, 2), word(words, 3));
  return { kind: "fileRename", from, to, result, flags: parseNumber(words[4] ?? "0") };
}

function describeUnlink({ name, words, result }: SystemCall, place: Place): EventDetail {
  if (name !== "unlinkat") {
    return { kind: "fileUnlink", ...givenPath(place, word(words, 0)), result, isDirectory: name === "rmdir" };
  }
  const isDirectory = (parseNumber(word(words, 2)) & removeDirectory) !== 0;
  return { kind: "fileUnlink", ...givenAt(word(words, 0), word(words, 1)), result, isDirectory };
}

// Sockets, pipes and what else is in no tree of files are left out.
function describeTransfer(kind: "fileRead" | "fileWrite", { name, words, result }: SystemCall): EventDetail[] {
  const isTwofold = name === "copy_file_range" || name === "splice";
  const isSource = kind === "fileRead";
  const at = name === "sendfile" ? Number(isSource) : isTwofold && !isSource ? 2 : 0;
  const { number, target } = parseDescriptor(word(words, at));
  if (target && target[0] !== 0x2f) return [];
  const path = { path: target ? textUntilZero(target) : "", isResolved: target !== undefined };
  return [{ kind, ...path, result, descriptor: number }];
}

// Whether a signal was ignored, or was waiting already, strace cannot tell. A group of processes is told as pid 0.
function describeSignal({ name, words }: SystemCall): EventDetail {
  const hasThread = name === "tgkill" || name === "rt_tgsigqueueinfo";
  const first = parsePid(word(words, 0));
  const pid = Math.max(first, 0);
  const tid = hasThread ? parsePid(word(words, 1)) : pid;
  const target = { pid, tid, start: 0n, comm: pid === 0 ? "" : commOf(pid) };
  const signal = parseNumber(word(words, hasThread ? 2 : 1));
  return { kind: "signal", target, signal, code: 0, result: "unknown", isFromKernel: false };
}

function describeMount({ name, words, result }: SystemCall, place: Place): EventDetail {
  if (name === "move_mount") {
    const path = givenAt(word(words, 2), word(words, 3));
    return { kind: "mount", ...path, source: "", type: "", flags: parseNumber(word(words, 4)), result };
  }
  const [source, type] = [textOf(word(words, 0)), textOf(word(words, 2))];
  const flags = parseNumber(word(words, 3));
  return { kind: "mount", ...givenPath(place, word(words, 1)), source, type, flags, result };
}

function describeUmount({ words, result }: SystemCall, place: Place): EventDetail {
  return { kind: "umount", ...givenPath(place, word(words, 0)), result, flags: parseNumber(words[1] ?? "0") };
}

function word(words: readonly string[], at: number): string {
  const found = words[at];
  if (found === undefined) throw new UnreadableError(`a call has ${words.length} arguments`);
  return found;
}

// What is no text to strace, such as a pointer that leads nowhere, is none to the reader.
function textOf(text: string): string {
  if (/^0x[0-9a-f]+$/.test(text)) return "";
  const bytes = parseString(text);
  return bytes ? textUntilZero(bytes) : "";
}

function givenAt(directory: string, path: string): EventPath {
  return relativeTo(textOf(path), () => {
    const { target } = parseDescriptor(directory);
    return target && textUntilZero(target);
  });
}

// These calls name no directory: it is the process's own.
function givenPath(place: Place, path: string): EventPath {
  return relativeTo(textOf(path), place);
}

/** Where a thread is. */
type Place = () => string | undefined;

function relativeTo(path: string, directoryOf: Place): EventPath {
  const directory = path.startsWith("/") ? undefined : directoryOf();
  return { path, isResolved: false, ...(directory === undefined ? {} : { directory }) };
}
