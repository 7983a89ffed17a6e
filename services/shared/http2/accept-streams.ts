// A server's side of a connection: the peer opens streams by their headers.
import {
  createStream,
  type Http2Connection,
  type Http2Side,
  type Http2Stream,
  isOpen,
  type StreamEvents,
} from "./connection.js";
import { errorCode } from "./frames.js";
import { countReset, receiveEnd, streamOf, violation } from "./receive.js";
import { maxStreams, sendGoAway, sendReset } from "./send.js";

/** Called for each request; the stream's events go to what it gives. */
export type RequestHandler = (stream: Http2Stream, headers: ReadonlyMap<string, string>) => StreamEvents;

/** Takes requests, as many at a time as the settings allow. */
export function acceptStreams(onRequest: RequestHandler): Http2Side {
  return {
    onHeaders(connection, streamId, headers, endStream) {
      if (streamId <= connection.lastStreamId) receiveTrailers(connection, streamId, endStream);
      else openStream(connection, streamId, headers, endStream);
    },
    onGoAway: (connection) => sendGoAway(connection, errorCode.noError, ""),
  };

  function openStream(
    connection: Http2Connection,
    streamId: number,
    headers: ReadonlyMap<string, string>,
    endStream: boolean,
  ) {
    connection.lastStreamId = streamId;
    if (connection.goingAway || connection.streams.size >= maxStreams) {
      sendReset(connection, streamId, errorCode.refusedStream);
      countReset(connection);
      return;
    }
    const stream = createStream(connection, streamId);
    const events = onRequest(stream, headers);
    // It may have been refused already.
    if (isOpen(stream)) stream.events = events;
    if (isOpen(stream) && endStream) receiveEnd(stream);
  }
}

// What a client says last, behind its messages; nothing in it is for this side.
function receiveTrailers(connection: Http2Connection, streamId: number, endStream: boolean): void {
  const stream = streamOf(connection, streamId);
  if (stream && !endStream) throw violation("headers came in the middle of a stream");
  if (stream) receiveEnd(stream);
}
