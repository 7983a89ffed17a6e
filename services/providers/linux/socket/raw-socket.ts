// A socket as the kernel lists it, before its holders are known.
import { SocketProtocol, SocketRole, TcpState } from "../../../gen/systemsmanager/telemetry/v1/socket_pb.js";

export { SocketProtocol, SocketRole, TcpState };

/** One row of /proc/net. */
export interface RawSocket {
  readonly protocol: SocketProtocol;
  readonly role: SocketRole;
  /** Empty for unix. */
  readonly address: string;
  /** 0 for unix. */
  readonly port: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Of a unix socket; abstract names start with "@". */
  readonly path: string;
  readonly state: TcpState;
  /** 0 when no process holds it any more (TIME_WAIT). */
  readonly inode: number;
}
