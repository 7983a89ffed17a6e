// The socket tables of the daemon's network namespace.
import { readFile } from "node:fs/promises";
import type { ProcSource } from "../procfs/proc-source.js";
import { parseInet } from "./parse-inet.js";
import { parseUnix } from "./parse-unix.js";
import { type RawSocket, SocketProtocol } from "./raw-socket.js";

/** All sockets of these protocols; with a port only those that have it as their own. From /proc/net what the source has no table of. */
export async function readSockets(
  source: ProcSource,
  protocols: readonly SocketProtocol[],
  port = 0,
): Promise<RawSocket[]> {
  return withoutRepeats((await Promise.all(protocols.map((protocol) => readProtocol(source, protocol, port)))).flat());
}

/** Each socket once. The kernel hands a table out page by page, and shows a row again when one is inserted before it meanwhile. */
export function withoutRepeats(sockets: readonly RawSocket[]): RawSocket[] {
  return [...new Map(sockets.map((socket) => [identityOf(socket), socket])).values()];
}

// What makes a socket another one; its state may change between two pages.
function identityOf({ protocol, inode, address, port, remoteAddress, remotePort }: RawSocket): string {
  return [protocol, inode, address, port, remoteAddress, remotePort].join(" ");
}

async function readProtocol(source: ProcSource, protocol: SocketProtocol, port: number): Promise<readonly RawSocket[]> {
  switch (protocol) {
    case SocketProtocol.TCP:
      return source.readTcpSockets?.(port) ?? readInetTables("tcp", protocol, port);
    case SocketProtocol.UDP:
      return source.readUdpSockets?.(port) ?? readInetTables("udp", protocol, port);
    case SocketProtocol.UNIX:
      return parseUnix(await readTable("unix"));
    default:
      throw new RangeError(`socket protocol ${protocol} has no table`);
  }
}

async function readInetTables(
  name: "tcp" | "udp",
  protocol: SocketProtocol.TCP | SocketProtocol.UDP,
  port: number,
): Promise<RawSocket[]> {
  const [four, six] = await Promise.all([readTable(name), readTable(`${name}6`)]);
  return [...parseInet(four, protocol, port), ...parseInet(six, protocol, port)];
}

async function readTable(name: "tcp" | "tcp6" | "udp" | "udp6" | "unix"): Promise<string> {
  try {
    return await readFile(`/proc/net/${name}`, "utf8");
  } catch (error) {
    // A kernel without IPv6 has no such table, and no such sockets.
    if (name.endsWith("6") && (error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
