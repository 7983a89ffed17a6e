// One attach stream as gRPC on HTTP/2: frames in, frames out, a status at the end.
import { ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { createFrameDecoder } from "../shared/grpc-frames.js";
import { type Http2Stream, isOpen, type StreamEvents } from "../shared/http2/connection.js";
import { errorCode } from "../shared/http2/frames.js";
import type { HeaderField } from "../shared/http2/hpack-decoder.js";
import { encodeHeaderBlock } from "../shared/http2/hpack-encoder.js";
import type { OutgoingData } from "../shared/http2/outgoing-data.js";
import { setReading } from "../shared/http2/receive.js";
import { resetStream, respond, sendData, sendTrailers } from "../shared/http2/send.js";

/** What happens on a stream. No call comes after onClose. */
export interface AttachStreamEvents {
  /** Throws to end the stream with that error. */
  onMessage(message: Buffer): void;
  /** The daemon has said everything; the stream ends when this resolves. */
  onEnd(): Promise<void>;
  /** The daemon went or the stream ended; error tells why, when it was not the daemon's wish. */
  onClose(error: unknown): void;
}

export interface AttachStream {
  /** Writes whole frames. */
  send(frames: OutgoingData): void;
  /** Bytes that the daemon has not taken yet. */
  queuedBytes(): number;
  /** Stops or goes on reading from the daemon. */
  setReading(reading: boolean): void;
  /** Ends the stream with this error, or with OK. */
  end(error?: unknown): void;
}

/** Largest message that is taken from a daemon: the largest answer and what surrounds it. */
export const maxDaemonMessageBytes = 1024 * 1024;

const endGraceMs = 1_000;

/** Takes an Attach request of this content type. The path was checked before. */
export function acceptAttachStream(
  stream: Http2Stream,
  contentType: string,
  createEvents: (stream: AttachStream) => AttachStreamEvents,
): StreamEvents {
  let status: ConnectError | undefined;
  let ending = false;

  function end(error?: unknown) {
    if (ending || !isOpen(stream)) return;
    ending = true;
    status = error === undefined ? undefined : ConnectError.from(error);
    sendTrailers(stream, encodeStatus(status));
    // A peer that takes nothing any more would hold the stream for ever.
    if (isOpen(stream)) setTimeout(() => resetStream(stream, errorCode.cancel), endGraceMs).unref();
  }

  function orEnd(step: () => void) {
    try {
      step();
    } catch (error) {
      end(error);
    }
  }

  const events = createEvents({
    send: (frames) => sendData(stream, frames),
    queuedBytes: () => stream.pendingBytes + stream.connection.socket.writableLength,
    setReading: (reading) => setReading(stream, reading),
    end,
  });
  const decoder = createFrameDecoder(maxDaemonMessageBytes, (message) => {
    if (!ending) events.onMessage(message);
  });
  respond(stream, responseOf(contentType));
  return {
    onData(chunk) {
      if (!ending) orEnd(() => decoder.push(chunk));
    },
    onEnd() {
      orEnd(() => decoder.end());
      void events.onEnd().finally(end);
    },
    onClose: (error) => events.onClose(status ?? error),
  };
}

/** The fields that tell a gRPC client how its call ended. */
export function statusFields(error: ConnectError | undefined): HeaderField[] {
  return [...setTrailerStatus(new Headers(), error)];
}

const encodeStatus = (error: ConnectError | undefined) => encodeHeaderBlock(statusFields(error));

// Hardly more than two content types are ever seen.
const responses = new Map<string, Buffer>();

function responseOf(contentType: string): Buffer {
  const known = responses.get(contentType);
  if (known) return known;
  const response = encodeHeaderBlock([
    [":status", "200"],
    ["content-type", contentType],
  ]);
  responses.set(contentType, response);
  return response;
}
