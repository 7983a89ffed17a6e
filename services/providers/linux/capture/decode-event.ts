// A record as a value, for whoever wants all of it.
import {
  decodeFileOpen,
  decodeFileRename,
  decodeFileTransfer,
  decodeFileUnlink,
  decodeModuleLoad,
  decodeMount,
  decodeUmount,
  type FileOpen,
  type FileRename,
  type FileTransfer,
  type FileUnlink,
  type ModuleLoad,
  type Mount,
  type Umount,
} from "./decode-file.js";
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
import {
  type BlockIo,
  type CapabilityCheck,
  decodeBlockIo,
  decodeCapabilityCheck,
  decodeOomKill,
  decodeSignal,
  type OomKill,
  type Signal,
} from "./decode-system.js";
import type { EventCursor } from "./event-cursor.js";
import { eventKinds, header } from "./event-layout.js";
import { textUntilZero } from "./kernel-text.js";

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

export type FileEvent = EventBase & (FileOpen | FileRename | FileUnlink | FileTransfer | Mount | Umount | ModuleLoad);

export type NetworkEvent = EventBase &
  (TcpConnect | TcpAccept | TcpClose | TcpRetransmit | TcpReset | UdpSend | DnsQuery | DnsAnswer);

export type SystemEvent = EventBase & (Signal | OomKill | CapabilityCheck | BlockIo);

export type CaptureEvent = ExecEvent | ForkEvent | ExitEvent | FileEvent | NetworkEvent | SystemEvent;

// Of each kind by itself.
type OwnOf<Event> = Event extends EventBase ? Omit<Event, keyof EventBase> : never;

const fixed = header.end;

/** The event under the cursor. Throws RangeError for what is no such event. */
export function decodeEvent(cursor: EventCursor): CaptureEvent {
  const base = { time: cursor.time, cpu: cursor.cpu, sequence: cursor.sequence, subject: decodeSubject(cursor) };
  // Here and in what decodes each kind: spreading objects into a literal takes Node.js 20 microseconds.
  return Object.assign(base, decodeOwn(cursor));
}

// What the kind has beyond the base.
function decodeOwn(cursor: EventCursor): OwnOf<CaptureEvent> {
  switch (cursor.kind) {
    case eventKinds.exec:
      return decodeProgram(cursor);
    case eventKinds.fork: {
      const child = { start: cursor.long(fixed), pid: cursor.word(fixed + 8), tid: cursor.word(fixed + 12) };
      return { kind: "fork", child };
    }
    case eventKinds.exit: {
      const code = cursor.word(fixed + 8);
      return {
        kind: "exit",
        livedNs: cursor.long(fixed),
        status: (code >> 8) & 0xff,
        signal: code & 0x7f,
        isProcess: cursor.word(fixed + 12) !== 0,
      };
    }
    case eventKinds.fileOpen:
      return decodeFileOpen(cursor);
    case eventKinds.tcpConnect:
      return decodeTcpConnect(cursor);
    case eventKinds.tcpAccept:
      return decodeTcpAccept(cursor);
    case eventKinds.tcpClose:
      return decodeTcpClose(cursor);
    case eventKinds.tcpRetransmit:
      return decodeTcpRetransmit(cursor);
    case eventKinds.tcpReset:
      return decodeTcpReset(cursor);
    case eventKinds.udpSend:
      return decodeUdpSend(cursor);
    case eventKinds.dnsQuery:
      return decodeDnsQuery(cursor);
    case eventKinds.dnsAnswer:
      return decodeDnsAnswer(cursor);
    case eventKinds.fileRename:
      return decodeFileRename(cursor);
    case eventKinds.fileUnlink:
      return decodeFileUnlink(cursor);
    case eventKinds.fileRead:
      return decodeFileTransfer(cursor, "fileRead");
    case eventKinds.fileWrite:
      return decodeFileTransfer(cursor, "fileWrite");
    case eventKinds.signal:
      return decodeSignal(cursor);
    case eventKinds.oomKill:
      return decodeOomKill(cursor);
    case eventKinds.capabilityCheck:
      return decodeCapabilityCheck(cursor);
    case eventKinds.moduleLoad:
      return decodeModuleLoad(cursor);
    case eventKinds.mount:
      return decodeMount(cursor);
    case eventKinds.umount:
      return decodeUmount(cursor);
    case eventKinds.blockIo:
      return decodeBlockIo(cursor);
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
    kind: "exec" as const,
    filename: textUntilZero(strings.subarray(0, filenameBytes)),
    argv: splitZeros(strings.subarray(filenameBytes, filenameBytes + argvBytes)),
    cutBytes: cursor.word(fixed + 4) - argvBytes,
  };
}

// The last one has a zero, too, unless it was cut.
function splitZeros(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    texts.push(textUntilZero(bytes.subarray(at)));
    at = end < 0 ? bytes.length : end + 1;
  }
  return texts;
}
