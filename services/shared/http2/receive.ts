// What the peer says: each frame checked and carried out. A peer that breaks the protocol ends its connection, nobody else's.
import { ErrorReason, failure } from "../errors.js";
import {
  closeStream,
  type HeaderBlock,
  type Http2Connection,
  type Http2Stream,
  isOpen,
  receiveWindow,
} from "./connection.js";
import { ConnectionViolation, errorCode, frameFlag, frameType, maxFrameBytes, readFrames, setting } from "./frames.js";
import { decodeHeaderBlock } from "./hpack-decoder.js";
import { breakConnection, resetStream, sendPending, sendPingAck, sendSettingsAck, sendWindowUpdate } from "./send.js";

const maxHeaderBlockBytes = 16_384;
const maxHeaderBlockParts = 64;
const maxWindow = 0x7fff_ffff;
// Streams that a peer may open and take back on one connection; work that it gets nothing for.
const maxResets = 1_000;
// Answers to pings and settings that a peer may leave unread.
const maxUnreadBytes = 1024 * 1024;

/** Takes what came from the peer. One that breaks the protocol is told so and cut; `onViolation` hears it before. */
export function receiveOrBreak(
  connection: Http2Connection,
  receive: () => void,
  onViolation: (violation: ConnectionViolation) => void,
): void {
  const { socket } = connection;
  connection.lastReceived = performance.now();
  // What one read makes this side say, such as all that a daemon hears when it attaches, leaves in one write.
  socket.cork();
  try {
    // When this side has said its last word there is no answer to give.
    if (!socket.writableEnded) receive();
  } catch (error) {
    if (!(error instanceof ConnectionViolation)) throw error;
    onViolation(error);
    breakConnection(connection, error);
  } finally {
    socket.uncork();
  }
}

/** Carries out each whole frame. Throws a ConnectionViolation. */
export function receiveFrames(connection: Http2Connection, chunk: Buffer): void {
  readFrames(connection.reader, chunk, receiveFrame.bind(undefined, connection));
}

function receiveFrame(
  connection: Http2Connection,
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer,
): void {
  if (connection.headerBlock && type !== frameType.continuation) throw violation("a header block was interrupted");
  if (connection.phase === "settings") {
    if (type !== frameType.settings || flags & frameFlag.ack) throw violation("settings must come first");
    connection.phase = "open";
  }
  // Priorities, and what later versions may add, are nothing to this side.
  if (type === frameType.data) receiveData(connection, flags, streamId, payload);
  else if (type === frameType.headers) receiveHeaders(connection, flags, streamId, payload);
  else if (type === frameType.continuation) receiveContinuation(connection, flags, streamId, payload);
  else if (type === frameType.resetStream) receiveReset(connection, streamId, payload);
  else if (type === frameType.settings) receiveSettings(connection, flags, payload);
  else if (type === frameType.ping) receivePing(connection, flags, payload);
  else if (type === frameType.windowUpdate) receiveWindowUpdate(connection, streamId, payload);
  else if (type === frameType.goAway) receiveGoAway(connection, payload);
  else if (type === frameType.pushPromise) throw violation("nothing may be pushed");
}

/** Hands on what comes, or holds it until it is wanted. */
export function setReading(stream: Http2Stream, reading: boolean): void {
  stream.reading = reading;
  while (stream.reading) {
    const chunk = stream.held.shift();
    if (!chunk) break;
    stream.heldBytes -= chunk.length;
    stream.events.onData(chunk);
  }
  if (!isOpen(stream)) return;
  credit(stream);
  if (stream.remoteEnded) tellEnd(stream);
}

function receiveData(connection: Http2Connection, flags: number, streamId: number, payload: Buffer): void {
  connection.uncredited += payload.length;
  if (connection.uncredited >= receiveWindow / 2) {
    sendWindowUpdate(connection, 0, connection.uncredited);
    connection.uncredited = 0;
  }
  const stream = streamOf(connection, streamId);
  if (!stream) return;
  stream.uncredited += payload.length;
  if (stream.remoteEnded) closeWith(stream, errorCode.streamClosed, "data came behind its end");
  else if (stream.uncredited > receiveWindow)
    closeWith(stream, errorCode.flowControlError, "more data came than had room");
  if (!isOpen(stream)) return;
  const data = withoutPadding(flags, payload);
  if (data.length > 0) takeData(stream, data);
  if (!isOpen(stream)) return;
  credit(stream);
  if (flags & frameFlag.endStream) receiveEnd(stream);
}

function takeData(stream: Http2Stream, data: Buffer): void {
  if (stream.reading) {
    stream.events.onData(data);
    return;
  }
  stream.held.push(data);
  stream.heldBytes += data.length;
}

// Gives room again for what was handed on.
function credit(stream: Http2Stream): void {
  const bytes = stream.uncredited - stream.heldBytes;
  if (bytes < receiveWindow / 2) return;
  stream.uncredited -= bytes;
  sendWindowUpdate(stream.connection, stream.id, bytes);
}

/** The peer has said everything. */
export function receiveEnd(stream: Http2Stream): void {
  stream.remoteEnded = true;
  tellEnd(stream);
}

function tellEnd(stream: Http2Stream): void {
  if (stream.endTold || stream.held.length > 0) return;
  stream.endTold = true;
  stream.events.onEnd();
}

function receiveHeaders(connection: Http2Connection, flags: number, streamId: number, payload: Buffer): void {
  if (streamId % 2 === 0) throw violation(`headers came on stream ${streamId}`);
  const unpadded = withoutPadding(flags, payload);
  const part = flags & frameFlag.priority ? unpadded.subarray(5) : unpadded;
  connection.headerBlock = { streamId, endStream: (flags & frameFlag.endStream) !== 0, parts: [] };
  receiveContinuation(connection, flags, streamId, part);
}

function receiveContinuation(connection: Http2Connection, flags: number, streamId: number, payload: Buffer): void {
  const { headerBlock } = connection;
  if (headerBlock?.streamId !== streamId) throw violation("a header block goes on that did not begin");
  headerBlock.parts.push(payload);
  const bytes = headerBlock.parts.reduce((sum, part) => sum + part.length, 0);
  if (bytes > maxHeaderBlockBytes || headerBlock.parts.length > maxHeaderBlockParts) {
    throw new ConnectionViolation(errorCode.enhanceYourCalm, `a header block of ${bytes} bytes came`);
  }
  if ((flags & frameFlag.endHeaders) === 0) return;
  connection.headerBlock = undefined;
  receiveHeaderBlock(connection, headerBlock);
}

function receiveHeaderBlock(connection: Http2Connection, { streamId, endStream, parts }: HeaderBlock): void {
  // Decoded even when nobody wants it: the blocks behind it may refer to it.
  const headers = new Map(decodeHeaderBlock(connection.hpack, Buffer.concat(parts)));
  connection.side.onHeaders(connection, streamId, headers, endStream);
}

function receiveGoAway(connection: Http2Connection, payload: Buffer): void {
  if (payload.length < 8) throw wrongSize("GOAWAY", payload);
  connection.side.onGoAway(connection, payload.readUInt32BE(4), payload.toString("utf8", 8));
}

function receiveReset(connection: Http2Connection, streamId: number, payload: Buffer): void {
  if (payload.length !== 4) throw wrongSize("RST_STREAM", payload);
  countReset(connection);
  const stream = streamOf(connection, streamId);
  if (!stream) return;
  const code = payload.readUInt32BE(0);
  const isWish = code === errorCode.noError || code === errorCode.cancel;
  closeStream(stream, isWish ? undefined : lost(`the peer reset the stream with HTTP/2 error ${code}`));
}

/** One more stream that the peer opened and that came to nothing. Throws a ConnectionViolation beyond the bound. */
export function countReset(connection: Http2Connection): void {
  connection.resets++;
  if (connection.resets > maxResets) {
    throw new ConnectionViolation(errorCode.enhanceYourCalm, `${connection.resets} streams were opened and taken back`);
  }
}

function receiveSettings(connection: Http2Connection, flags: number, payload: Buffer): void {
  if (flags & frameFlag.ack) return;
  if (payload.length % 6 !== 0) throw wrongSize("SETTINGS", payload);
  for (let position = 0; position < payload.length; position += 6) {
    applySetting(connection, payload.readUInt16BE(position), payload.readUInt32BE(position + 2));
  }
  checkPatience(connection);
  sendSettingsAck(connection);
  for (const stream of connection.streams.values()) sendPending(stream);
}

function applySetting(connection: Http2Connection, identifier: number, value: number): void {
  if (identifier === setting.initialWindowSize) {
    const change = value - connection.peerStreamWindow;
    connection.peerStreamWindow = value;
    for (const stream of connection.streams.values()) stream.sendWindow = grown(stream.sendWindow, change);
    // Streams that come later begin with it.
    grown(0, value);
  }
  if (identifier === setting.maxFrameSize) {
    if (value < maxFrameBytes || value > 0xff_ffff) throw violation(`frames of ${value} bytes are wanted`);
  }
}

function receivePing(connection: Http2Connection, flags: number, payload: Buffer): void {
  if (payload.length !== 8) throw wrongSize("PING", payload);
  if (flags & frameFlag.ack) return;
  checkPatience(connection);
  sendPingAck(connection, payload);
}

function receiveWindowUpdate(connection: Http2Connection, streamId: number, payload: Buffer): void {
  if (payload.length !== 4) throw wrongSize("WINDOW_UPDATE", payload);
  const bytes = payload.readUInt32BE(0) & maxWindow;
  if (bytes === 0) throw violation("a window grows by nothing");
  if (streamId === 0) {
    connection.sendWindow = grown(connection.sendWindow, bytes);
    for (const stream of connection.streams.values()) sendPending(stream);
    return;
  }
  const stream = streamOf(connection, streamId);
  if (!stream) return;
  stream.sendWindow = grown(stream.sendWindow, bytes);
  sendPending(stream);
}

/** Undefined for a stream that was open once: what its peer sent before it knew is nothing to anybody. Throws a ConnectionViolation. */
export function streamOf(connection: Http2Connection, streamId: number): Http2Stream | undefined {
  const stream = connection.streams.get(streamId);
  if (stream || (streamId % 2 === 1 && streamId <= connection.lastStreamId)) return stream;
  throw violation(`a frame came on stream ${streamId}, which is not open`);
}

function closeWith(stream: Http2Stream, code: number, what: string): void {
  resetStream(stream, code, lost(`the peer broke HTTP/2: ${what}`));
}

function withoutPadding(flags: number, payload: Buffer): Buffer {
  if ((flags & frameFlag.padded) === 0) return payload;
  const padding = payload[0] ?? payload.length;
  if (padding >= payload.length) throw violation("a frame is all padding");
  return payload.subarray(1, payload.length - padding);
}

function grown(window: number, bytes: number): number {
  if (window + bytes <= maxWindow) return window + bytes;
  throw new ConnectionViolation(errorCode.flowControlError, "a window became too large");
}

// Pings and settings ask for an answer each; a peer that does not read them must not fill this side's memory.
function checkPatience({ socket }: Http2Connection): void {
  if (socket.writableLength <= maxUnreadBytes) return;
  throw new ConnectionViolation(errorCode.enhanceYourCalm, `${socket.writableLength} bytes are unread`);
}

function lost(message: string) {
  return failure(ErrorReason.UNREACHABLE, message, { metadata: {}, remedy: "look at the log of the other side" });
}

export function violation(what: string): ConnectionViolation {
  return new ConnectionViolation(errorCode.protocolError, what);
}

function wrongSize(frame: string, payload: Buffer): ConnectionViolation {
  return new ConnectionViolation(errorCode.frameSizeError, `a ${frame} of ${payload.length} bytes came`);
}
