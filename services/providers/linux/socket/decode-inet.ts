// TCP and UDP sockets as the kernel's iterators pack them.
import { headerBytes, littleEndian, readWord } from "../record-view.js";
import { describeInet } from "./describe-inet.js";
import { formatAddress } from "./parse-address.js";
import type { RawSocket, SocketProtocol } from "./raw-socket.js";

const recordBytes = 56;
const addressAt = 24;
const remoteAddressAt = 40;
/** AF_INET; the other one is AF_INET6. */
const inet = 2;

/** Decodes InetSocketRecords of one protocol. */
export function decodeInetSockets(buffer: ArrayBuffer, protocol: SocketProtocol.TCP | SocketProtocol.UDP): RawSocket[] {
  const view = new DataView(buffer);
  const count = view.getUint32(4, littleEndian);
  return Array.from({ length: count }, (_, index) => decodeSocket(view, headerBytes + index * recordBytes, protocol));
}

function decodeSocket(view: DataView, at: number, protocol: SocketProtocol.TCP | SocketProtocol.UDP): RawSocket {
  const addressBytes = view.getUint16(at + 12, littleEndian) === inet ? 4 : 16;
  const addressFrom = (start: number) =>
    formatAddress(Buffer.from(view.buffer as ArrayBuffer, at + start, addressBytes));
  return describeInet(
    protocol,
    view.getUint32(at + 8, littleEndian),
    { address: addressFrom(addressAt), port: view.getUint16(at + 14, littleEndian) },
    { address: addressFrom(remoteAddressAt), port: view.getUint16(at + 16, littleEndian) },
    readWord(view, at),
  );
}
