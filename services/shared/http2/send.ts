// What is said to the peer, within the room that it gives.
import {
  closeStream,
  defaultWindow,
  type Http2Connection,
  type Http2Stream,
  isOpen,
  receiveWindow,
} from "./connection.js";
import {
  type ConnectionViolation,
  encodeGoAway,
  encodeHttp2Frame,
  encodeNumberFrame,
  encodeSettings,
  errorCode,
  frameFlag,
  frameType,
  maxFrameBytes,
  setting,
} from "./frames.js";
import { createOutgoingData, dataFrame, type OutgoingData } from "./outgoing-data.js";

/** Streams of one connection at a time: a daemon needs one, a client that shares a connection a few. */
export const maxStreams = 16;
const maxHeaderBytes = 16_384;

/** What a client says first of all. */
export const clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const moreRoom = encodeNumberFrame(frameType.windowUpdate, 0, receiveWindow - defaultWindow);
// The same for every peer.
const serverOpening = Buffer.concat([
  encodeSettings(
    new Map([
      [setting.maxConcurrentStreams, maxStreams],
      [setting.initialWindowSize, receiveWindow],
      [setting.maxHeaderListSize, maxHeaderBytes],
    ]),
  ),
  moreRoom,
]);
const clientOpening = Buffer.concat([
  clientPreface,
  encodeSettings(
    new Map([
      [setting.enablePush, 0],
      [setting.initialWindowSize, receiveWindow],
      [setting.maxHeaderListSize, maxHeaderBytes],
    ]),
  ),
  moreRoom,
]);
const nothing = Buffer.alloc(0);
const settingsAck = encodeHttp2Frame(frameType.settings, frameFlag.ack, 0);

export function sendServerOpening({ socket }: Http2Connection): void {
  socket.write(serverOpening);
}

/** The client's preface and settings, and the request's headers. From now on data may leave. */
export function sendRequest(stream: Http2Stream, headerBlock: Buffer): void {
  stream.connection.socket.write(clientOpening);
  sendHeaders(stream, headerBlock, 0);
  stream.connection.sendWindow = defaultWindow;
  sendPending(stream);
}

export function sendSettingsAck({ socket }: Http2Connection): void {
  socket.write(settingsAck);
}

export function sendPingAck({ socket }: Http2Connection, payload: Buffer): void {
  socket.write(encodeHttp2Frame(frameType.ping, frameFlag.ack, 0, payload));
}

/** Gives the peer so much more room: on the connection when no stream is named. */
export function sendWindowUpdate({ socket }: Http2Connection, streamId: number, bytes: number): void {
  socket.write(encodeNumberFrame(frameType.windowUpdate, streamId, bytes));
}

/** Ends the connection when its last stream ends; at once when it has none. */
export function sendGoAway(connection: Http2Connection, code: number, words: string): void {
  if (connection.goingAway) return;
  connection.goingAway = true;
  connection.socket.write(encodeGoAway(connection.lastStreamId, code, words));
  if (connection.streams.size === 0) connection.socket.end();
}

/** Tells the peer what it did wrong, and cuts it. */
export function breakConnection(connection: Http2Connection, { code, message }: ConnectionViolation): void {
  connection.socket.end(encodeGoAway(connection.lastStreamId, code, message));
  connection.socket.destroySoon();
}

/** The response's headers. Once, before any data. */
export function respond(stream: Http2Stream, headerBlock: Buffer): void {
  stream.responded = true;
  sendHeaders(stream, headerBlock, 0);
}

/** Sends the data; what the peer has no room for waits. */
export function sendData(stream: Http2Stream, data: OutgoingData): void {
  if (stream.trailers || stream.localEnded || !isOpen(stream)) return;
  if (stream.pending.length === 0 && data.bytes <= roomOf(stream)) {
    writeData(stream, data);
    return;
  }
  stream.pending.push(...data.parts);
  stream.pendingBytes += data.bytes;
  sendPending(stream);
}

/** Ends the stream behind all data with these trailers; with the headers of a whole response when there was none. */
export function sendTrailers(stream: Http2Stream, headerBlock: Buffer): void {
  stream.trailers = headerBlock;
  sendPending(stream);
}

/** Ends this side's half of the stream behind all data. */
export function endStream(stream: Http2Stream): void {
  sendTrailers(stream, nothing);
}

/** Sends what waits, as far as there is room now. */
export function sendPending(stream: Http2Stream): void {
  const { connection, pending } = stream;
  connection.socket.cork();
  for (let next = pending[0]; next; next = pending[0]) {
    const bytes = Math.min(next.length, roomOf(stream));
    if (bytes <= 0) break;
    writeData(stream, createOutgoingData(next.subarray(0, bytes)));
    stream.pendingBytes -= bytes;
    if (bytes === next.length) pending.shift();
    else pending[0] = next.subarray(bytes);
  }
  if (stream.trailers && pending.length === 0) finish(stream, stream.trailers);
  connection.socket.uncork();
}

/** Cuts the stream with this code. */
export function resetStream(stream: Http2Stream, code: number, error?: unknown): void {
  if (!isOpen(stream)) return;
  sendReset(stream.connection, stream.id, code);
  closeStream(stream, error);
}

export function sendReset({ socket }: Http2Connection, streamId: number, code: number): void {
  socket.write(encodeNumberFrame(frameType.resetStream, streamId, code));
}

function roomOf({ connection, sendWindow }: Http2Stream): number {
  return Math.min(sendWindow, connection.sendWindow, maxFrameBytes);
}

// One write for each frame: header and parts are joined, which costs less than a second write.
function writeData(stream: Http2Stream, data: OutgoingData): void {
  stream.sendWindow -= data.bytes;
  stream.connection.sendWindow -= data.bytes;
  stream.connection.socket.write(dataFrame(data, stream.id));
}

function finish(stream: Http2Stream, trailers: Buffer): void {
  if (stream.localEnded) return;
  stream.localEnded = true;
  if (trailers.length > 0) sendHeaders(stream, trailers, frameFlag.endStream);
  else stream.connection.socket.write(encodeHttp2Frame(frameType.data, frameFlag.endStream, stream.id));
  if (stream.remoteEnded) closeStream(stream);
  // A status is the last word, though the peer has not ended its own half.
  else if (trailers.length > 0) resetStream(stream, errorCode.noError);
}

// A block that is larger than a frame goes on in others.
function sendHeaders({ connection, id }: Http2Stream, block: Buffer, flags: number): void {
  const { socket } = connection;
  let type: number = frameType.headers;
  let start = 0;
  do {
    const part = block.subarray(start, start + maxFrameBytes);
    start += part.length;
    const ends = start >= block.length ? frameFlag.endHeaders : 0;
    socket.write(encodeHttp2Frame(type, (type === frameType.headers ? flags : 0) | ends, id, part));
    type = frameType.continuation;
  } while (start < block.length);
}
