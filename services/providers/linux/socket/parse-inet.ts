// Text of /proc/net/tcp, tcp6, udp and udp6.
import { parseAddress } from "./parse-address.js";
import { type RawSocket, SocketProtocol, SocketRole, TcpState } from "./raw-socket.js";

// The kernel's numbers (include/net/tcp_states.h); NEW_SYN_RECV is shown as SYN_RECV by every tool.
const tcpStates: Readonly<Record<number, TcpState>> = {
  1: TcpState.ESTABLISHED,
  2: TcpState.SYN_SENT,
  3: TcpState.SYN_RECV,
  4: TcpState.FIN_WAIT1,
  5: TcpState.FIN_WAIT2,
  6: TcpState.TIME_WAIT,
  7: TcpState.CLOSE,
  8: TcpState.CLOSE_WAIT,
  9: TcpState.LAST_ACK,
  10: TcpState.LISTEN,
  11: TcpState.CLOSING,
  12: TcpState.SYN_RECV,
};

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
  const own = parseEndpoint(local);
  const peer = parseEndpoint(remote);
  const kernelState = tcpStates[Number.parseInt(stateDigits, 16)] ?? TcpState.UNSPECIFIED;
  const isTcp = protocol === SocketProtocol.TCP;
  // UDP borrows TCP's numbers: ESTABLISHED is a connected socket, CLOSE one that takes from anybody.
  const waits = isTcp ? kernelState === TcpState.LISTEN : kernelState !== TcpState.ESTABLISHED;
  return {
    protocol,
    role: waits ? SocketRole.LISTENER : SocketRole.CONNECTION,
    address: own.address,
    port: own.port,
    remoteAddress: peer.address,
    remotePort: peer.port,
    path: "",
    state: isTcp ? kernelState : TcpState.UNSPECIFIED,
    inode: Number(inode),
  };
}

function parseEndpoint(text: string): { address: string; port: number } {
  const [address = "", port = ""] = text.split(":");
  return { address: parseAddress(address), port: Number.parseInt(port, 16) };
}
