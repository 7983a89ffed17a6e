// What every HTTP/2 listener of the product needs: an address, an identity, and an end that surely comes.
import { once } from "node:events";
import type { Http2SecureServer, Http2Server, ServerHttp2Session } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { ErrorReason, failure } from "./errors.js";
import type { Logger } from "./log.js";

/** Where to listen; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Certificate chain and key in PEM; with `ca`, clients must present a certificate that it signed. */
export interface TlsIdentity {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly ca?: string | Buffer;
}

export type Http2Listener = Http2Server | Http2SecureServer;

export interface Connections {
  /** Takes no new ones. */
  stopListening(): void;
  /** Sends GOAWAY on each, and resolves when all are gone; what is left after the grace is cut. */
  close(graceMs: number): Promise<void>;
}

/** The options of a secure HTTP/2 server with this identity. */
export function secureOptions(tls: TlsIdentity) {
  const clients = tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true };
  return { key: tls.key, cert: tls.cert, ...clients };
}

// A fleet's daemons come back all at once when their relay does; the kernel takes the least of this and its own limit.
const backlog = 4_096;

/** Binds the listener and tells its URL. Throws UNREACHABLE when the address cannot be had. */
export async function listen(listener: Server, address: ListenAddress, scheme: "http" | "https"): Promise<string> {
  const { host, port: wanted } = address;
  try {
    listener.listen({ port: wanted, host, backlog });
    await once(listener, "listening");
  } catch (cause) {
    throw failure(ErrorReason.UNREACHABLE, `cannot listen on ${host}:${wanted}: ${(cause as Error).message}`, {
      metadata: { address: `${host}:${wanted}` },
      remedy: "choose another port, or end what holds it",
      cause,
    });
  }
  const { port } = listener.address() as AddressInfo;
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Follows the connections of a listener from its first one on. */
export function trackConnections(listener: Http2Listener, log: Logger): Connections {
  const sessions = new Set<ServerHttp2Session>();
  // A session that was closed still waits for its peer to close the socket; only the socket can be cut then.
  const sockets = new Set<Socket>();
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  listener.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("error", (error) => log.debug({ err: error }, "connection failed"));
    session.once("close", () => sessions.delete(session));
  });
  listener.on("sessionError", (error) => log.debug({ err: error }, "connection failed"));
  const closed = new Promise<void>((resolve) => listener.once("close", resolve));
  const stopListening = () => {
    if (listener.listening) listener.close();
  };
  return {
    stopListening,
    async close(graceMs) {
      stopListening();
      for (const session of sessions) session.close();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** Says so when what travels can be read by the network. */
export function warnOfPlainText({ host }: ListenAddress, tls: TlsIdentity | undefined, log: Logger): void {
  if (tls || host === "localhost" || host === "::1" || host.startsWith("127.")) return;
  log.warn({ host }, "listening in plain text beyond this machine: give a certificate, or trust the network");
}
