// What a TCP or UDP socket is, by the kernel's own numbers.
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

/** One side of a connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** The socket of this state between these endpoints. */
export function describeInet(
  protocol: SocketProtocol.TCP | SocketProtocol.UDP,
  kernelState: number,
  own: Endpoint,
  peer: Endpoint,
  inode: number,
): RawSocket {
  const state = tcpStates[kernelState] ?? TcpState.UNSPECIFIED;
  const isTcp = protocol === SocketProtocol.TCP;
  // UDP borrows TCP's numbers: ESTABLISHED is a connected socket, CLOSE one that takes from anybody.
  const waits = isTcp ? state === TcpState.LISTEN : state !== TcpState.ESTABLISHED;
  return {
    protocol,
    role: waits ? SocketRole.LISTENER : SocketRole.CONNECTION,
    address: own.address,
    port: own.port,
    remoteAddress: peer.address,
    remotePort: peer.port,
    path: "",
    state: isTcp ? state : TcpState.UNSPECIFIED,
    inode,
  };
}
