// TLS handshakes of a listener whose sockets come paused.
import type { Socket } from "node:net";
import { createServer } from "node:tls";
import type { TlsIdentity } from "../http2-listener.js";
import type { Logger } from "../log.js";
import { createSocketAdmission, type SocketAdmission } from "./admit-sockets.js";
import { tlsServerOptions } from "./tls-server-options.js";

export type Handshakes = Pick<SocketAdmission, "admit" | "stop">;

/** Gives onSecure every socket whose handshake succeeds. */
export function createHandshakes(tls: TlsIdentity, onSecure: (socket: Socket) => void, log: Logger): Handshakes {
  // It never listens: sockets are handed to it.
  const server = createServer(tlsServerOptions(tls));
  const { admit, leave, stop } = createSocketAdmission((socket) => server.emit("connection", socket));
  server.on("secureConnection", (socket) => {
    leave();
    onSecure(socket);
  });
  server.on("tlsClientError", (error) => {
    leave();
    log.debug({ err: error }, "handshake failed");
  });
  return { admit, stop };
}
