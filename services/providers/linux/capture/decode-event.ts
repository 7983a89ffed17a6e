// A record as a value, for whoever wants all of it.
import {
  type DnsAnswer,
  type DnsQuery,
  decodeDnsAnswer,
  decodeDnsQuery,
  decodeTcpAccept,
  decodeTcpClose,
  decodeTcpConnect,
  decodeTcpReset,
  decodeTcpRetransmit,
  decodeUdpSend,
  type TcpAccept,
  type TcpClose,
  type TcpConnect,
  type TcpReset,
  type TcpRetransmit,
  type UdpSend,
} from "./decode-network.js";
import type { EventCursor } from "./event-cursor.js";
import { eventKinds, header } from "./event-layout.js";

/** The process that did it, named for ever by pid and start. */
export interface EventSubject {
  readonly pid: number;
  readonly tid: number;
  readonly start: bigint;
  readonly parent: number;
  readonly user: number;
  readonly cgroup: bigint;
  readonly comm: string;
}

interface EventBase {
  readonly time: bigint;
  readonly cpu: number;
  readonly sequence: bigint;
  readonly subject: EventSubject;
}

export interface ExecEvent extends EventBase {
  readonly kind: "exec";
  /** As the caller named the program. */
  readonly filename: string;
  readonly argv: readonly string[];
  /** Bytes of argv beyond those that were kept. */
  readonly cutBytes: number;
}

export interface ForkEvent extends EventBase {
  readonly kind: "fork";
  readonly child: { readonly pid: number; readonly tid: number; readonly start: bigint };
}

export interface ExitEvent extends EventBase {
  readonly kind: "exit";
  readonly livedNs: bigint;
  readonly status: number;
  /** 0: it was not killed. */
  readonly signal: number;
  /** False for a thread that is not the last one of its process. */
  readonly isProcess: boolean;
}

export interface FileOpenEvent extends EventBase {
  readonly kind: "fileOpen";
  readonly path: string;
  /** The kernel's own path; otherwise what the caller gave, which another thread may have changed meanwhile. */
  readonly isResolved: boolean;
  /** Descriptor, or a negative errno. */
  readonly result: number;
  readonly flags: number;
  readonly mode: number;
}

export type NetworkEvent = EventBase &
  (TcpConnect | TcpAccept | TcpClose | TcpRetransmit | TcpReset | UdpSend | DnsQuery | DnsAnswer);

export type CaptureEvent = ExecEvent | ForkEvent | ExitEvent | FileOpenEvent | NetworkEvent;

const fixed = header.end;

/** The event under the cursor. Throws RangeError for a kind that there is none of. */
export function decodeEvent(cursor: EventCursor): CaptureEvent {
  const base = { time: cursor.time, cpu: cursor.cpu, sequence: cursor.sequence, subject: decodeSubject(cursor) };
  switch (cursor.kind) {
    case eventKinds.exec:
      return { ...base, kind: "exec", ...decodeProgram(cursor) };
    case eventKinds.fork: {
      const child = { start: cursor.long(fixed), pid: cursor.word(fixed + 8), tid: cursor.word(fixed + 12) };
      return { ...base, kind: "fork", child };
    }
    case eventKinds.exit: {
      const code = cursor.word(fixed + 8);
      const ending = { livedNs: cursor.long(fixed), status: (code >> 8) & 0xff, signal: code & 0x7f };
      return { ...base, kind: "exit", ...ending, isProcess: cursor.word(fixed + 12) !== 0 };
    }
    case eventKinds.fileOpen: {
      const call = { flags: cursor.word(fixed + 4), mode: cursor.word(fixed + 8) };
      return {
        ...base,
        kind: "fileOpen",
        result: cursor.signedWord(fixed),
        ...call,
        ...decodePath(cursor, fixed + 16),
      };
    }
    case eventKinds.tcpConnect:
      return { ...base, ...decodeTcpConnect(cursor) };
    case eventKinds.tcpAccept:
      return { ...base, ...decodeTcpAccept(cursor) };
    case eventKinds.tcpClose:
      return { ...base, ...decodeTcpClose(cursor) };
    case eventKinds.tcpRetransmit:
      return { ...base, ...decodeTcpRetransmit(cursor) };
    case eventKinds.tcpReset:
      return { ...base, ...decodeTcpReset(cursor) };
    case eventKinds.udpSend:
      return { ...base, ...decodeUdpSend(cursor) };
    case eventKinds.dnsQuery:
      return { ...base, ...decodeDnsQuery(cursor) };
    case eventKinds.dnsAnswer:
      return { ...base, ...decodeDnsAnswer(cursor) };
    default:
      throw new RangeError(`no event is of kind ${cursor.kind}`);
  }
}

function decodeSubject({ pid, tid, start, parent, user, cgroup, comm }: EventCursor): EventSubject {
  return { pid, tid, start, parent, user, cgroup, comm };
}

function decodeProgram(cursor: EventCursor) {
  const filenameBytes = cursor.half(fixed);
  const argvBytes = cursor.half(fixed + 2);
  const strings = cursor.strings(fixed + 8);
  return {
    filename: untilZero(strings.subarray(0, filenameBytes)),
    argv: splitZeros(strings.subarray(filenameBytes, filenameBytes + argvBytes)),
    cutBytes: cursor.word(fixed + 4) - argvBytes,
  };
}

function decodePath(cursor: EventCursor, end: number): Pick<FileOpenEvent, "path" | "isResolved"> {
  const strings = cursor.strings(end);
  if (!cursor.isResolved) return { path: untilZero(strings), isResolved: false };
  return { path: `/${splitZeros(strings).reverse().join("/")}`, isResolved: true };
}

function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
}

// The last one has a zero, too, unless it was cut.
function splitZeros(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  const text = bytes.toString("utf8");
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}
