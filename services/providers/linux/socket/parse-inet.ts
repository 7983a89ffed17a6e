// Text of /proc/net/tcp, tcp6, udp and udp6.
import { describeInet, type Endpoint } from "./describe-inet.js";
import { parseAddress } from "./parse-address.js";
import type { RawSocket, SocketProtocol } from "./raw-socket.js";

/** Parses one of the files; the first line is the header. With a port: only what has this one of its own. */
export function parseInet(text: string, protocol: SocketProtocol.TCP | SocketProtocol.UDP, port = 0): RawSocket[] {
  const lines = text.split("\n").slice(1);
  // Of thousands of lines nearly all are somebody else's, and looking for a port costs less than parsing.
  const digits = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  return lines
    .filter((line) => line !== "" && (port === 0 || line.includes(digits)))
    .map((line) => parseLine(line, protocol))
    .filter((socket) => port === 0 || socket.port === port);
}

function parseLine(line: string, protocol: SocketProtocol.TCP | SocketProtocol.UDP): RawSocket {
  const [, local, remote, stateDigits, , , , , , inode] = line.trim().split(/\s+/);
  if (!local || !remote || !stateDigits || !inode)
    throw new Error(`unknown line in /proc/net: ${JSON.stringify(line)}`);
  return describeInet(
    protocol,
    Number.parseInt(stateDigits, 16),
    parseEndpoint(local),
    parseEndpoint(remote),
    Number(inode),
  );
}

function parseEndpoint(text: string): Endpoint {
  const [address = "", port = ""] = text.split(":");
  return { address: parseAddress(address), port: Number.parseInt(port, 16) };
}
