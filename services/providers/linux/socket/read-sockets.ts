// The socket tables of the daemon's network namespace.
import { readFile } from "node:fs/promises";
import { parseInet } from "./parse-inet.js";
import { parseUnix } from "./parse-unix.js";
import { type RawSocket, SocketProtocol } from "./raw-socket.js";

/** All sockets of these protocols, IPv4 before IPv6; with a port only those that have it as their own. */
export async function readSockets(protocols: readonly SocketProtocol[], port = 0): Promise<RawSocket[]> {
  return withoutRepeats((await Promise.all(protocols.map((protocol) => readProtocol(protocol, port)))).flat());
}

/** Each socket once. The kernel hands a table out page by page, and shows a row again when one is inserted before it meanwhile. */
export function withoutRepeats(sockets: readonly RawSocket[]): RawSocket[] {
  return [...new Map(sockets.map((socket) => [identityOf(socket), socket])).values()];
}

// What makes a socket another one; its state may change between two pages.
function identityOf({ protocol, inode, address, port, remoteAddress, remotePort }: RawSocket): string {
  return [protocol, inode, address, port, remoteAddress, remotePort].join(" ");
}

async function readProtocol(protocol: SocketProtocol, port: number): Promise<RawSocket[]> {
  switch (protocol) {
    case SocketProtocol.TCP: {
      const [four, six] = await Promise.all([readTable("tcp"), readTable("tcp6")]);
      return [...parseInet(four, protocol, port), ...parseInet(six, protocol, port)];
    }
    case SocketProtocol.UDP: {
      const [four, six] = await Promise.all([readTable("udp"), readTable("udp6")]);
      return [...parseInet(four, protocol, port), ...parseInet(six, protocol, port)];
    }
    case SocketProtocol.UNIX:
      return parseUnix(await readTable("unix"));
    default:
      throw new RangeError(`socket protocol ${protocol} has no table`);
  }
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
