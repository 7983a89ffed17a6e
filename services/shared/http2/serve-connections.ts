// An HTTP/2 server for streams that live as long as daemons do, on TLS or plain sockets. It does what RFC 9113 asks of a server whose
// clients post and stream, and nothing else, because node:http2 costs twice the processor time and memory for each of ten
// thousand idle connections.
import { createServer, type Socket, type Server as TcpServer } from "node:net";
import { ErrorReason, failure } from "../errors.js";
import type { TlsIdentity } from "../http2-listener.js";
import type { Logger } from "../log.js";
import { acceptStreams, type RequestHandler } from "./accept-streams.js";
import { closeStream, createConnection, type Http2Connection, speaksHttp2 } from "./connection.js";
import { ConnectionViolation, errorCode } from "./frames.js";
import { receiveFrames, receiveOrBreak } from "./receive.js";
import { clientPreface, sendGoAway, sendServerOpening } from "./send.js";
import { createHandshakes } from "./shake-hands.js";

export interface Http2ServerOptions {
  readonly tls?: TlsIdentity;
  /** A connection on which nothing comes for so long is cut. */
  readonly idleMs: number;
  readonly onRequest: RequestHandler;
  readonly log: Logger;
}

export interface Http2Server {
  /** To be bound by whoever made it. */
  readonly listener: TcpServer;
  /** Takes no new connections. */
  stopListening(): void;
  /** Sends GOAWAY on each connection, and resolves when all are gone; what is left after the grace is cut. */
  close(graceMs: number): Promise<void>;
}

export function createHttp2Server(options: Http2ServerOptions): Http2Server {
  const { tls, log } = options;
  const connections = new Set<Http2Connection>();
  const sockets = new Set<Socket>();
  const side = acceptStreams(options.onRequest);
  const serve = (socket: Socket) => serveConnection(socket, createConnection(socket, side), connections, log);
  const handshakes = tls && createHandshakes(tls, serve, log);
  const listener = createServer({ noDelay: true, pauseOnConnect: handshakes !== undefined });
  listener.on("connection", handshakes ? handshakes.admit : serve);
  // Before the handshake is done a socket has no connection yet, but has to be cut all the same.
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const sweeping = setInterval(() => cutIdle(connections, options.idleMs), options.idleMs / 4);
  let wasBound = false;
  listener.once("listening", () => {
    wasBound = true;
  });
  const closed = new Promise<void>((resolve) => listener.once("close", resolve));
  const stopListening = () => {
    handshakes?.stop();
    if (listener.listening) listener.close();
  };
  return {
    listener,
    stopListening,
    async close(graceMs) {
      stopListening();
      for (const connection of connections) sendGoAway(connection, errorCode.noError, "the relay stops");
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      if (wasBound) await closed;
      clearTimeout(cut);
      clearInterval(sweeping);
    },
  };
}

function serveConnection(
  socket: Socket,
  connection: Http2Connection,
  connections: Set<Http2Connection>,
  log: Logger,
): void {
  let cause: Error | undefined;
  connections.add(connection);
  socket.on("error", (error) => {
    cause = error;
    log.debug({ err: error }, "connection failed");
  });
  socket.on("close", () => {
    connections.delete(connection);
    for (const stream of connection.streams.values()) closeStream(stream, connectionLost(cause));
  });
  if (!speaksHttp2(socket)) {
    socket.destroy();
    return;
  }
  socket.on("data", (chunk) =>
    receiveOrBreak(
      connection,
      () => receiveBytes(connection, chunk),
      (violation) => log.debug({ err: violation }, "connection ended: the peer broke HTTP/2"),
    ),
  );
}

function receiveBytes(connection: Http2Connection, chunk: Buffer): void {
  if (connection.phase !== "preface") {
    receiveFrames(connection, chunk);
    return;
  }
  const bytes = Buffer.concat([connection.reader.rest, chunk]);
  const length = Math.min(bytes.length, clientPreface.length);
  if (!bytes.subarray(0, length).equals(clientPreface.subarray(0, length))) {
    throw new ConnectionViolation(errorCode.protocolError, "not HTTP/2");
  }
  connection.reader.rest = length < clientPreface.length ? bytes : Buffer.alloc(0);
  if (length < clientPreface.length) return;
  connection.phase = "settings";
  // Not before: so it goes out with the answer to what comes behind the preface.
  sendServerOpening(connection);
  receiveFrames(connection, bytes.subarray(clientPreface.length));
}

function cutIdle(connections: ReadonlySet<Http2Connection>, idleMs: number): void {
  const now = performance.now();
  for (const { socket, lastReceived } of connections) if (now - lastReceived > idleMs) socket.destroy();
}

function connectionLost(cause: Error | undefined) {
  return failure(ErrorReason.UNREACHABLE, `the peer's connection was lost: ${cause?.message ?? "it was closed"}`, {
    metadata: {},
    remedy: "look at the network, and whether the other side still runs",
    cause,
  });
}
