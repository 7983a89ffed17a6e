// An HTTP/2 server for streams that live as long as daemons do, on TLS or plain sockets. It does what RFC 9113 asks of a server whose
// clients post and stream, and nothing else, because node:http2 costs twice the processor time and memory for each of ten
// thousand idle connections.
import { createServer, type Socket, type Server as TcpServer } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { TlsIdentity } from "../../shared/http2-listener.js";
import type { Logger } from "../../shared/log.js";
import { closeStream, createConnection, type Http2Connection, type RequestHandler } from "./connection.js";
import { ConnectionViolation, encodeGoAway, errorCode, readFrames } from "./frames.js";
import { receiveFrame } from "./receive.js";
import { sendGoAway, sendOpening } from "./send.js";
import { tlsServerOptions } from "./tls-server-options.js";

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

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function createHttp2Server(options: Http2ServerOptions): Http2Server {
  const { tls, log } = options;
  const connections = new Set<Http2Connection>();
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => serveConnection(socket, connections, options);
  const listener = tls ? createTlsServer(tlsServerOptions(tls)) : createServer({ noDelay: true });
  listener.on(tls ? "secureConnection" : "connection", serve);
  // Before the handshake is done a socket has no connection yet, but has to be cut all the same.
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  listener.on("tlsClientError", (error: Error) => log.debug({ err: error }, "handshake failed"));
  const sweeping = setInterval(() => cutIdle(connections, options.idleMs), options.idleMs / 4);
  let wasBound = false;
  listener.once("listening", () => {
    wasBound = true;
  });
  const closed = new Promise<void>((resolve) => listener.once("close", resolve));
  const stopListening = () => {
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
  connections: Set<Http2Connection>,
  { onRequest, log }: Http2ServerOptions,
): void {
  const connection = createConnection(socket, onRequest);
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
  if (isForeign(socket)) {
    socket.destroy();
    return;
  }
  const onFrame = receiveFrame.bind(undefined, connection);
  socket.on("data", (chunk) => {
    // What one read makes this side say, such as all that a daemon hears when it attaches, leaves in one write.
    socket.cork();
    try {
      receiveBytes(connection, chunk, onFrame);
    } catch (error) {
      if (!(error instanceof ConnectionViolation)) throw error;
      log.debug({ err: error }, "connection ended: the peer broke HTTP/2");
      connection.phase = "broken";
      socket.end(encodeGoAway(connection.lastStreamId, error.code, error.message));
      socket.destroySoon();
    } finally {
      socket.uncork();
    }
  });
}

function receiveBytes(connection: Http2Connection, chunk: Buffer, onFrame: Parameters<typeof readFrames>[2]): void {
  connection.lastReceived = performance.now();
  if (connection.phase !== "preface") {
    if (connection.phase !== "broken") readFrames(connection.reader, chunk, onFrame);
    return;
  }
  const bytes = Buffer.concat([connection.reader.rest, chunk]);
  const length = Math.min(bytes.length, preface.length);
  if (!bytes.subarray(0, length).equals(preface.subarray(0, length))) {
    throw new ConnectionViolation(errorCode.protocolError, "not HTTP/2");
  }
  connection.reader.rest = length < preface.length ? bytes : Buffer.alloc(0);
  if (length < preface.length) return;
  connection.phase = "settings";
  // Not before: so it goes out with the answer to what comes behind the preface.
  sendOpening(connection);
  readFrames(connection.reader, bytes.subarray(preface.length), onFrame);
}

// A client that agreed on another protocol, or on none, would not understand a word.
function isForeign(socket: Socket): boolean {
  return "alpnProtocol" in socket && (socket as TLSSocket).alpnProtocol !== "h2";
}

function cutIdle(connections: ReadonlySet<Http2Connection>, idleMs: number): void {
  const now = performance.now();
  for (const { socket, lastReceived } of connections) if (now - lastReceived > idleMs) socket.destroy();
}

function connectionLost(cause: Error | undefined) {
  return failure(ErrorReason.UNREACHABLE, `the daemon's connection was lost: ${cause?.message ?? "it was closed"}`, {
    metadata: {},
    remedy: "look at the network, and whether the daemon still runs",
    cause,
  });
}
