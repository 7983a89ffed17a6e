// An attach stream as bytes: what comes down, what goes up, and why it ended.
import { ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { RelayService } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { createFrameDecoder } from "../shared/grpc-frames.js";
import { closeStream } from "../shared/http2/connection.js";
import { encodeHeaderBlock } from "../shared/http2/hpack-encoder.js";
import { openStream } from "../shared/http2/open-stream.js";
import { createOutgoingData } from "../shared/http2/outgoing-data.js";
import { setReading } from "../shared/http2/receive.js";
import { endStream, sendData } from "../shared/http2/send.js";
import { type DialOptions, dialSocket } from "./dial-socket.js";

export interface DialledStream {
  /** Writes one frame, or several. */
  send(frames: Buffer): void;
  /** Bytes that the relay has not taken yet. */
  queuedBytes(): number;
  /** While off, bytes stay in the network until its windows are full. */
  setReading(on: boolean): void;
  /** Half-closes when there is no error; cuts the connection when there is one. */
  end(error?: unknown): void;
  /** Resolves when the connection is gone, with why. */
  readonly closed: Promise<unknown>;
}

const attachPath = `/${RelayService.typeName}/${RelayService.method.attach.name}`;
const endGraceMs = 1_000;

/** Dials at once; failures come by `closed`. onMessage throws to cut the connection. */
export function dialStream(
  options: DialOptions,
  maxMessageBytes: number,
  onMessage: (message: Buffer) => void,
): DialledStream {
  const { url } = options;
  const { protocol, host } = new URL(url);
  const socket = dialSocket(options);
  const decoder = createFrameDecoder(maxMessageBytes, onMessage);
  let reason: unknown;
  let ending = false;
  const closed = new Promise<unknown>((resolve) => socket.once("close", () => setImmediate(() => resolve(reason))));
  const stream = openStream({
    socket,
    readyEvent: protocol === "https:" ? "secureConnect" : "connect",
    headerBlock: requestHeaders(protocol, host),
    events: {
      onHeaders(headers) {
        reason ??= errorOfHeaders(headers, url);
      },
      onData: (chunk) => orEnd(() => decoder.push(chunk)),
      onEnd() {
        orEnd(() => decoder.end());
        closeStream(stream);
      },
      onClose(error) {
        // That the connection closes is what the end was for.
        if (error !== undefined && !ending) reason ??= unreachable(url, error);
        socket.destroySoon();
      },
    },
  });

  function end(error?: unknown) {
    reason ??= error;
    ending = true;
    if (error !== undefined) socket.destroy();
    else endStream(stream);
    setTimeout(() => socket.destroy(), endGraceMs).unref();
  }

  function orEnd(step: () => void) {
    try {
      step();
    } catch (error) {
      end(error);
    }
  }

  return {
    send: (frames) => sendData(stream, createOutgoingData(frames)),
    queuedBytes: () => stream.pendingBytes + socket.writableLength,
    setReading: (on) => setReading(stream, on),
    end,
    closed,
  };
}

function requestHeaders(protocol: string, host: string): Buffer {
  return encodeHeaderBlock([
    [":method", "POST"],
    [":scheme", protocol.slice(0, -1)],
    [":authority", host],
    [":path", attachPath],
    ["content-type", "application/grpc+proto"],
    ["te", "trailers"],
  ]);
}

// Of the first headers or of the trailers, whichever says how the call ended.
function errorOfHeaders(headers: ReadonlyMap<string, string>, url: string): ConnectError | undefined {
  const status = headers.get(":status");
  if (status !== undefined && status !== "200") return unreachable(url, new Error(`HTTP status ${status}`));
  // The first Headers of a process loads all of Node's fetch, megabytes of it: not for a stream that simply begins or ends.
  if (Number(headers.get("grpc-status") ?? 0) === 0) return undefined;
  return findTrailerError(new Headers([...headers].filter(([name]) => !name.startsWith(":"))));
}

function unreachable(url: string, cause: unknown): ConnectError {
  if (cause instanceof ConnectError) return cause;
  const { message } = cause as Error;
  return failure(ErrorReason.UNREACHABLE, `no relay at ${url}: ${message}`, {
    metadata: { address: url },
    remedy: "check the address, the network and that a relay runs there",
    cause,
  });
}
