// What one HTTP/2 connection and its streams know: plain state, because a relay holds ten thousand of them. receive.ts changes it by
// what the peer says, send.ts by what is said to the peer; serve-connections.ts is a server's side of it, open-stream.ts a client's.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { FrameReader } from "./frames.js";
import { createFrameReader } from "./frames.js";
import { createHpackDecoder, type HpackDecoder } from "./hpack-decoder.js";

/** What happens on a stream. No call comes after onClose. */
export interface StreamEvents {
  onData(chunk: Buffer): void;
  /** The peer has said everything. */
  onEnd(): void;
  /** The stream is gone; error tells why, when neither side meant it to. */
  onClose(error: unknown): void;
}

/** What a server and a client do each in their own way. */
export interface Http2Side {
  /** A whole header block came. */
  onHeaders(
    connection: Http2Connection,
    streamId: number,
    headers: ReadonlyMap<string, string>,
    endStream: boolean,
  ): void;
  /** The peer takes no more streams; its words are for people. */
  onGoAway(connection: Http2Connection, code: number, words: string): void;
}

export interface Http2Connection {
  readonly socket: Socket;
  readonly side: Http2Side;
  readonly streams: Map<number, Http2Stream>;
  readonly reader: FrameReader;
  readonly hpack: HpackDecoder;
  /** What comes next: the peer's preface, its settings, anything. */
  phase: "preface" | "settings" | "open";
  /** A header block that goes on in the next frame. */
  headerBlock: HeaderBlock | undefined;
  lastStreamId: number;
  /** Bytes that may be sent until the peer gives more room. */
  sendWindow: number;
  peerStreamWindow: number;
  /** Bytes received that the peer was not given room for again. */
  uncredited: number;
  /** Streams that the peer opened and took back. */
  resets: number;
  /** It takes no more streams and ends with its last one. */
  goingAway: boolean;
  /** By performance.now(). */
  lastReceived: number;
}

export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly parts: Buffer[];
}

export interface Http2Stream {
  readonly connection: Http2Connection;
  readonly id: number;
  events: StreamEvents;
  sendWindow: number;
  uncredited: number;
  /** While false, what comes is held instead of handed on. */
  reading: boolean;
  readonly held: Buffer[];
  heldBytes: number;
  /** Data that waits for room. */
  readonly pending: Uint8Array[];
  pendingBytes: number;
  responded: boolean;
  /** Sent as the last word when nothing is pending any more; empty when there is nothing more to say than that. */
  trailers: Buffer | undefined;
  localEnded: boolean;
  remoteEnded: boolean;
  /** The peer's end was handed on, behind all that was held. */
  endTold: boolean;
}

/** Bytes that a peer may send ahead, on a stream and on a connection: a whole answer, so that it needs no more room on its way. */
export const receiveWindow = 1024 * 1024;
/** A window before anything was said of it. */
export const defaultWindow = 65_535;

export function createConnection(socket: Socket, side: Http2Side): Http2Connection {
  return {
    socket,
    side,
    streams: new Map(),
    reader: createFrameReader(),
    hpack: createHpackDecoder(),
    phase: "preface",
    headerBlock: undefined,
    lastStreamId: 0,
    sendWindow: defaultWindow,
    peerStreamWindow: defaultWindow,
    uncredited: 0,
    resets: 0,
    goingAway: false,
    lastReceived: performance.now(),
  };
}

/** False for a TLS peer that agreed on another protocol, or on none: it would not understand a word. */
export function speaksHttp2(socket: Socket): boolean {
  return !("alpnProtocol" in socket) || (socket as TLSSocket).alpnProtocol === "h2";
}

const noEvents: StreamEvents = { onData: () => undefined, onEnd: () => undefined, onClose: () => undefined };

export function createStream(connection: Http2Connection, id: number): Http2Stream {
  const stream: Http2Stream = {
    connection,
    id,
    events: noEvents,
    sendWindow: connection.peerStreamWindow,
    uncredited: 0,
    reading: true,
    held: [],
    heldBytes: 0,
    pending: [],
    pendingBytes: 0,
    responded: false,
    trailers: undefined,
    localEnded: false,
    remoteEnded: false,
    endTold: false,
  };
  connection.streams.set(id, stream);
  return stream;
}

/** True until the stream is closed. */
export function isOpen(stream: Http2Stream): boolean {
  return stream.connection.streams.get(stream.id) === stream;
}

/** Forgets the stream and tells its owner; the connection ends with it when it goes away. */
export function closeStream(stream: Http2Stream, error?: unknown): void {
  const { connection, id } = stream;
  if (!isOpen(stream)) return;
  connection.streams.delete(id);
  stream.events.onClose(error);
  if (connection.goingAway && connection.streams.size === 0) connection.socket.end();
}
