// One attach stream as gRPC on node:http2: frames in, frames out, a status at the end.
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { createFrameDecoder } from "../shared/grpc-frames.js";

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
  /** Writes the parts of one frame. */
  send(parts: readonly Uint8Array[]): void;
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

/** Takes an Attach request. The path was checked before. */
export function acceptAttachStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  createEvents: (stream: AttachStream) => AttachStreamEvents,
): void {
  let status: ConnectError | undefined;
  let ending = false;

  function end(error?: unknown) {
    if (ending || stream.destroyed) return;
    ending = true;
    status = error === undefined ? undefined : ConnectError.from(error);
    stream.end();
    // A peer that takes nothing any more would hold the stream for ever.
    setTimeout(() => stream.destroy(), endGraceMs).unref();
  }

  const events = createEvents({
    send(parts) {
      if (ending || !stream.writable) return;
      stream.cork();
      for (const part of parts) stream.write(part);
      stream.uncork();
    },
    queuedBytes: () => stream.writableLength,
    setReading: (reading) => (reading ? stream.resume() : stream.pause()),
    end,
  });

  const decoder = createFrameDecoder(maxDaemonMessageBytes, (message) => {
    if (!ending) events.onMessage(message);
  });
  const orEnd = (step: () => void) => {
    try {
      step();
    } catch (error) {
      end(error);
    }
  };

  stream.respond({ ":status": 200, "content-type": headers["content-type"] }, { waitForTrailers: true });
  stream.on("wantTrailers", () => {
    stream.sendTrailers(Object.fromEntries(setTrailerStatus(new Headers(), status)));
    // The status is the last word, though the daemon has not ended its own half.
    setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  });
  stream.on("data", (chunk: Buffer) => {
    if (!ending) orEnd(() => decoder.push(chunk));
  });
  stream.on("end", () => {
    orEnd(() => decoder.end());
    void events.onEnd().finally(end);
  });
  stream.on("error", (error) => {
    status ??= ConnectError.from(error);
  });
  stream.on("close", () => events.onClose(status));
}
