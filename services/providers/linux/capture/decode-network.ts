// Events of sockets as values. native/linux/bpf/network_layout.h says where their fields lie.
import { type DnsQuestion, decodeQuestion } from "./decode-question.js";
import type { EventCursor } from "./event-cursor.js";
import { header } from "./event-layout.js";
import { formatAddress, isMappedAddress } from "./network-address.js";

/** One end of a socket. */
export interface Endpoint {
  /** As text: of IPv4 for IPv4, whatever the socket is. */
  readonly address: string;
  readonly port: number;
}

/** What every event of a socket has. */
export interface SocketEnds {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Of the packets. */
  readonly family: 4 | 6;
  /** A socket of IPv6 that speaks IPv4. */
  readonly isMapped: boolean;
  /** False when nobody saw whose socket it is: the subject then is of no process, with pid 0. */
  readonly isOwnerKnown: boolean;
}

/** A connection that is there, or failed. */
export interface TcpConnect extends SocketEnds {
  readonly kind: "tcpConnect";
  /** 0, or a negative errno; ECANCELED when its process gave up. */
  readonly result: number;
  readonly latencyNs: bigint | undefined;
  /** The remote end is what the caller gave, since no packet went out. */
  readonly isRemoteGiven: boolean;
}

/** A process took a connection that waited for it, or could not. */
export interface TcpAccept extends SocketEnds {
  readonly kind: "tcpAccept";
  /** Descriptor, or a negative errno; then the remote end is empty. */
  readonly result: number;
  /** Since the handshake. */
  readonly waitedNs: bigint | undefined;
}

/** A connection is over, for this host. */
export interface TcpClose extends SocketEnds {
  readonly kind: "tcpClose";
  /** 0, or the negative errno that ended it. */
  readonly result: number;
  /** What was sent again counts once. */
  readonly sentBytes: bigint;
  readonly receivedBytes: bigint;
  readonly durationNs: bigint | undefined;
  readonly retransmits: number;
}

export interface TcpRetransmit extends SocketEnds {
  readonly kind: "tcpRetransmit";
  readonly state: TcpState;
  /** Of this connection so far. */
  readonly retransmits: number;
}

export interface TcpReset extends SocketEnds {
  readonly kind: "tcpReset";
  readonly direction: "sent" | "received";
  /** Undefined: there was no socket, as when nobody listens. */
  readonly state: TcpState | undefined;
}

/** A datagram left. */
export interface UdpSend extends SocketEnds {
  readonly kind: "udpSend";
  readonly bytes: number;
}

/** A question over UDP to port 53. */
export interface DnsQuery extends SocketEnds, DnsQuestion {
  readonly kind: "dnsQuery";
  readonly id: number;
}

/** Its answer, as it reached the socket. */
export interface DnsAnswer extends SocketEnds, DnsQuestion {
  readonly kind: "dnsAnswer";
  readonly id: number;
  /** 0: no error; 3: there is no such name. */
  readonly code: number;
  readonly answers: number;
  readonly isTruncated: boolean;
  readonly latencyNs: bigint | undefined;
}

/** As in the kernel's <net/tcp_states.h>, from 1 on. */
const tcpStates = [
  "established",
  "synSent",
  "synReceived",
  "finWait1",
  "finWait2",
  "timeWait",
  "close",
  "closeWait",
  "lastAck",
  "listen",
  "closing",
  "newSynReceived",
] as const;

export type TcpState = (typeof tcpStates)[number];

/** Offsets: both ends, then what the kind has. */
const ends = { local: header.end, remote: header.end + 16, localPort: header.end + 32, remotePort: header.end + 34 };
const familyAt = header.end + 36;
const own = header.end + 40;

const flag = { ownerKnown: 2, sinceKnown: 4, remoteGiven: 8 };
const inet6 = 10;

export function decodeTcpConnect(cursor: EventCursor): TcpConnect {
  return Object.assign(decodeEnds(cursor), {
    kind: "tcpConnect" as const,
    latencyNs: sinceOf(cursor),
    result: cursor.signedWord(own + 8),
    isRemoteGiven: has(cursor, flag.remoteGiven),
  });
}

export function decodeTcpAccept(cursor: EventCursor): TcpAccept {
  const outcome = { kind: "tcpAccept" as const, waitedNs: sinceOf(cursor), result: cursor.signedWord(own + 8) };
  return Object.assign(decodeEnds(cursor), outcome);
}

export function decodeTcpClose(cursor: EventCursor): TcpClose {
  return Object.assign(decodeEnds(cursor), {
    kind: "tcpClose" as const,
    sentBytes: cursor.long(own),
    receivedBytes: cursor.long(own + 8),
    durationNs: sinceOf(cursor, own + 16),
    retransmits: cursor.word(own + 24),
    result: cursor.signedWord(own + 28),
  });
}

export function decodeTcpRetransmit(cursor: EventCursor): TcpRetransmit {
  const state = stateOf(cursor.word(own));
  if (!state) throw new RangeError(`no connection is in the state ${cursor.word(own)}`);
  const retransmits = cursor.word(own + 4);
  return Object.assign(decodeEnds(cursor), { kind: "tcpRetransmit" as const, state, retransmits });
}

export function decodeTcpReset(cursor: EventCursor): TcpReset {
  const direction = cursor.word(own) !== 0 ? ("received" as const) : ("sent" as const);
  const state = stateOf(cursor.word(own + 4));
  return Object.assign(decodeEnds(cursor), { kind: "tcpReset" as const, direction, state });
}

export function decodeUdpSend(cursor: EventCursor): UdpSend {
  return Object.assign(decodeEnds(cursor), { kind: "udpSend" as const, bytes: cursor.word(own) });
}

export function decodeDnsQuery(cursor: EventCursor): DnsQuery {
  const question = decodeQuestion(cursor.strings(own + 16));
  return Object.assign(decodeEnds(cursor), question, { kind: "dnsQuery" as const, id: cursor.half(own + 8) });
}

export function decodeDnsAnswer(cursor: EventCursor): DnsAnswer {
  const flags = cursor.half(own + 10);
  return Object.assign(decodeEnds(cursor), decodeQuestion(cursor.strings(own + 16)), {
    kind: "dnsAnswer" as const,
    id: cursor.half(own + 8),
    code: flags & 0xf,
    isTruncated: (flags & 0x200) !== 0,
    answers: cursor.half(own + 12),
    latencyNs: sinceOf(cursor),
  });
}

function decodeEnds(cursor: EventCursor): SocketEnds {
  const local = cursor.bytes(ends.local, 16);
  const remote = cursor.bytes(ends.remote, 16);
  // An end that is not bound says nothing of the family.
  const isIpv4 = cursor.half(familyAt) !== inet6 || isMappedAddress(local) || isMappedAddress(remote);
  return {
    local: { address: formatAddress(local), port: cursor.half(ends.localPort) },
    remote: { address: formatAddress(remote), port: cursor.half(ends.remotePort) },
    family: isIpv4 ? 4 : 6,
    isMapped: isIpv4 && cursor.half(familyAt) === inet6,
    isOwnerKnown: has(cursor, flag.ownerKnown),
  };
}

function sinceOf(cursor: EventCursor, at = own): bigint | undefined {
  return has(cursor, flag.sinceKnown) ? cursor.long(at) : undefined;
}

function has(cursor: EventCursor, bit: number): boolean {
  return (cursor.flags & bit) !== 0;
}

function stateOf(number: number): TcpState | undefined {
  return tcpStates[number - 1];
}
