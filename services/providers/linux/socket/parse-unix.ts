// Text of /proc/net/unix.
import { type RawSocket, SocketProtocol, SocketRole, TcpState } from "./raw-socket.js";

// "0000000000000000: 00000002 00000000 00010000 0001 01 23661 /run/dbus/system_bus_socket"
const row = /^[0-9a-f]+: [0-9a-f]+ [0-9a-f]+ ([0-9a-f]{8}) ([0-9a-f]{4}) ([0-9a-f]{2}) +(\d+)(?: (.*))?$/is;
const acceptsConnections = 0x10000;
const datagram = 2;
const connectedStates = new Set([2, 3, 4]);

/**
 * Parses the file; the first line is the header. Sockets that neither wait nor have a peer are left out. A path may hold a line feed:
 * a line that is no row belongs to the path before it.
 */
export function parseUnix(text: string): RawSocket[] {
  const sockets: RawSocket[] = [];
  for (const line of joinPaths(text.split("\n").slice(1))) {
    const [, flags = "", type = "", state = "", inode = "", path = ""] = row.exec(line) ?? [];
    const role = roleOf(Number.parseInt(flags, 16), Number.parseInt(type, 16), Number.parseInt(state, 16), path);
    if (role === undefined) continue;
    sockets.push({
      protocol: SocketProtocol.UNIX,
      role,
      address: "",
      port: 0,
      remoteAddress: "",
      remotePort: 0,
      path,
      state: TcpState.UNSPECIFIED,
      inode: Number(inode),
    });
  }
  return sockets;
}

function joinPaths(lines: readonly string[]): string[] {
  const joined: string[] = [];
  for (const line of lines) {
    if (row.test(line) || joined.length === 0) joined.push(line);
    else if (line !== "") joined.push(`${joined.pop()}\n${line}`);
  }
  return joined;
}

function roleOf(flags: number, type: number, state: number, path: string): SocketRole | undefined {
  if ((flags & acceptsConnections) !== 0) return SocketRole.LISTENER;
  if (connectedStates.has(state)) return SocketRole.CONNECTION;
  // A bound datagram socket such as /dev/log takes what anyone sends to it.
  return type === datagram && path !== "" ? SocketRole.LISTENER : undefined;
}
