// A client's side of a connection that carries one stream, and ends with it. Any HTTP/2 server may be at the other end.
import type { Socket } from "node:net";
import { ErrorReason, failure } from "../errors.js";
import {
  closeStream,
  createConnection,
  createStream,
  type Http2Connection,
  type Http2Side,
  type Http2Stream,
  isOpen,
  type StreamEvents,
  speaksHttp2,
} from "./connection.js";
import { errorCode } from "./frames.js";
import { receiveEnd, receiveFrames, receiveOrBreak, violation } from "./receive.js";
import { sendRequest } from "./send.js";

/** What happens on a stream that this side opened. */
export interface OpenedStreamEvents extends StreamEvents {
  /** The response's headers, and its trailers behind everything else. */
  onHeaders(headers: ReadonlyMap<string, string>): void;
}

export interface OpenStreamOptions {
  /** Still connecting; closed with the stream. */
  readonly socket: Socket;
  /** When it is connected and, with TLS, its peer is known. */
  readonly readyEvent: "connect" | "secureConnect";
  readonly headerBlock: Buffer;
  readonly events: OpenedStreamEvents;
}

const streamId = 1;

/** What is sent before the socket is ready waits. The stream is closed when the socket is, at the latest. */
export function openStream({ socket, readyEvent, headerBlock, events }: OpenStreamOptions): Http2Stream {
  const connection = createConnection(socket, respondTo(events));
  const stream = createStream(connection, streamId);
  stream.events = events;
  connection.lastStreamId = streamId;
  connection.sendWindow = 0;
  connection.goingAway = true;
  let cause: unknown;
  socket.once(readyEvent, () => {
    if (!speaksHttp2(socket)) return void socket.destroy(new Error("the server does not speak HTTP/2"));
    connection.phase = "settings";
    socket.cork();
    sendRequest(stream, headerBlock);
    socket.uncork();
  });
  socket.on("data", (chunk) =>
    receiveOrBreak(
      connection,
      () => receiveFrames(connection, chunk),
      (broken) => {
        cause = broken;
      },
    ),
  );
  socket.on("error", (error) => {
    cause = error;
  });
  socket.on("close", () => closeStream(stream, cause ?? new Error("the connection was closed")));
  return stream;
}

function respondTo(events: OpenedStreamEvents): Http2Side {
  return {
    onHeaders(connection, id, headers, endStream) {
      const stream = streamToOpen(connection, id);
      // Of several responses all but the last are only steps on the way.
      if (!stream || isInformational(headers)) return;
      if (stream.responded && !endStream) throw violation("headers came in the middle of a stream");
      stream.responded = true;
      events.onHeaders(headers);
      if (endStream && isOpen(stream)) receiveEnd(stream);
    },
    // A server that stops lets the stream end by itself; another one says what this side did wrong.
    onGoAway(connection, code, words) {
      const stream = connection.streams.get(streamId);
      if (stream && code !== errorCode.noError) closeStream(stream, goneAway(code, words));
    },
  };
}

function streamToOpen(connection: Http2Connection, id: number): Http2Stream | undefined {
  if (id !== streamId) throw violation(`headers came on stream ${id}`);
  return connection.streams.get(id);
}

function isInformational(headers: ReadonlyMap<string, string>): boolean {
  return /^1\d\d$/.test(headers.get(":status") ?? "");
}

function goneAway(code: number, words: string) {
  return failure(ErrorReason.UNREACHABLE, `the server ended the connection with HTTP/2 error ${code}: ${words}`, {
    metadata: {},
    remedy: "look at the log of the other side",
  });
}
