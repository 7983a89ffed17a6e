// What one HTTP/2 connection and its streams know: plain state, because a relay holds ten thousand of them. receive.ts changes it by
// what the peer says, send.ts by what is said to the peer.
import type { Socket } from "node:net";
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

/** Called for each request; the stream's events go to what it gives. */
export type RequestHandler = (stream: Http2Stream, headers: ReadonlyMap<string, string>) => StreamEvents;

export interface Http2Connection {
  readonly socket: Socket;
  readonly onRequest: RequestHandler;
  readonly streams: Map<number, Http2Stream>;
  readonly reader: FrameReader;
  readonly hpack: HpackDecoder;
  /** What comes next: the peer's preface, its settings, anything; or nothing, because it broke the protocol. */
  phase: "preface" | "settings" | "open" | "broken";
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
  /** Sent as the last word when nothing is pending any more. */
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

export function createConnection(socket: Socket, onRequest: RequestHandler): Http2Connection {
  return {
    socket,
    onRequest,
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
