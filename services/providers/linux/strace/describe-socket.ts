// What a system call on a socket means as an event.

import type { Endpoint, SocketEnds } from "../capture/decode-network.js";
import { formatAddress, isMappedAddress } from "../capture/network-address.js";
import type { EventDetail } from "./describe-call.js";
import { fieldOf, parseDescriptor, parseNumber, parseString, splitList, UnreadableError } from "./parse-values.js";
import type { SystemCall } from "./system-call.js";

const noEnd: Endpoint = { address: "", port: 0 };
const inet6 = 10;
const mappedPrefix = Buffer.from("00000000000000000000ffff", "hex");

type Kind = "tcpConnect" | "tcpAccept" | "udpSend";

/** None when the socket is of another protocol. Throws UnreadableError. */
export function describeConnection(kind: Kind, call: SystemCall): EventDetail[] {
  const [first = ""] = call.words;
  const socket = parseSocket(parseDescriptor(first).target);
  if (socket?.protocol !== (kind === "udpSend" ? "UDP" : "TCP")) return [];
  if (kind === "tcpConnect") return describeConnect(socket, call);
  if (kind === "tcpAccept") return [describeAccept(socket, call)];
  return describeSend(socket, call);
}

interface SocketName {
  readonly protocol: "TCP" | "UDP";
  readonly isInet6: boolean;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

// "TCP:[127.0.0.1:80->127.0.0.1:5000]", "TCPv6:[[::1]:80]", "UDP:[4711]": with an inode it has no end yet.
function parseSocket(target: Buffer | undefined): SocketName | undefined {
  const [, protocol, six, name] = /^(TCP|UDP)(v6)?:\[(.*)\]$/.exec(target?.toString("latin1") ?? "") ?? [];
  if (protocol === undefined || name === undefined) return undefined;
  const [local = "", remote = ""] = name.split("->");
  const ends = { local: parseEnd(local), remote: parseEnd(remote) };
  return { protocol: protocol as "TCP" | "UDP", isInet6: six !== undefined, ...ends };
}

function parseEnd(text: string): Endpoint {
  const [, six, four, port] = /^(?:\[(.*)\]|([\d.]+)):(\d+)$/.exec(text) ?? [];
  if (port === undefined) return noEnd;
  return { address: (six ?? four ?? "").replace(/^::ffff:(?=\d+\.)/, ""), port: Number(port) };
}

interface Address {
  readonly end: Endpoint;
  readonly family: 4 | 6;
}

// Undefined for another family, such as AF_UNSPEC.
function parseAddress(text: string): Address | undefined {
  if (!text.startsWith("{")) return undefined;
  const isSix = parseNumber(fieldOf(text, "sa_family") ?? "0") === inet6;
  const port = fieldOf(text, isSix ? "sin6_port" : "sin_port");
  const address = fieldOf(text, isSix ? "sin6_addr" : "sin_addr");
  if (port === undefined || address === undefined) return undefined;
  const [portBytes, bytes] = [parseString(port), parseString(address)];
  if (portBytes?.length !== 2 || bytes?.length !== (isSix ? 16 : 4)) {
    throw new UnreadableError(`no address: ${text.slice(0, 100)}`);
  }
  const whole = isSix ? bytes : Buffer.concat([mappedPrefix, bytes]);
  return {
    end: { address: formatAddress(whole), port: portBytes.readUInt16BE() },
    family: isMappedAddress(whole) ? 4 : 6,
  };
}

function endsOf(socket: SocketName, remote: Endpoint, family: 4 | 6, local = socket.local): SocketEnds {
  return { local, remote, family, isMapped: socket.isInet6 && family === 4, isOwnerKnown: true };
}

// A connect that does not wait is told with -EINPROGRESS: what comes of it strace does not see.
function describeConnect(socket: SocketName, { words, result, durationNs }: SystemCall): EventDetail[] {
  const remote = parseAddress(words[1] ?? "");
  if (!remote) return [];
  const ends = endsOf(socket, remote.end, remote.family);
  return [{ kind: "tcpConnect", ...ends, result, latencyNs: durationNs, isRemoteGiven: true }];
}

function describeAccept(listener: SocketName, { result, resultText }: SystemCall): EventDetail {
  const taken = result < 0 ? undefined : parseSocket(parseDescriptor(resultText).target);
  const family = (taken ?? listener).local.address.includes(":") ? 6 : 4;
  const ends = endsOf(listener, taken?.remote ?? noEnd, family, taken?.local ?? listener.local);
  return { kind: "tcpAccept", ...ends, result, waitedNs: undefined };
}

function describeSend(socket: SocketName, { name, words, result }: SystemCall): EventDetail[] {
  if (result < 0) return [];
  if (name === "sendto") return [sent(socket, words[4] ?? "NULL", result)];
  if (name === "sendmsg") return [sent(socket, fieldOf(words[1] ?? "", "msg_name") ?? "NULL", result)];
  const list = words[1] ?? "";
  if (!list.startsWith("[")) throw new UnreadableError(`no messages: ${list.slice(0, 100)}`);
  return splitList(list.slice(1, -1))
    .slice(0, result)
    .map((message) => {
      const nameOfMessage = fieldOf(fieldOf(message, "msg_hdr") ?? "", "msg_name") ?? "NULL";
      return sent(socket, nameOfMessage, parseNumber(fieldOf(message, "msg_len") ?? "0"));
    });
}

function sent(socket: SocketName, address: string, bytes: number): EventDetail {
  const given = parseAddress(address);
  const remote = given?.end ?? socket.remote;
  const family = given?.family ?? (remote.address.includes(":") ? 6 : 4);
  return { kind: "udpSend", ...endsOf(socket, remote, family), bytes };
}
