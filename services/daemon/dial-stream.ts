// An attach stream on node:http2, as bytes: what comes down, what goes up, and why it ended.
import { connect, constants, type IncomingHttpHeaders } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { RelayService } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { createFrameDecoder } from "../shared/grpc-frames.js";
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
  let reason: unknown;
  const session = connect(url, {
    createConnection: () => dialSocket(options),
    settings: { initialWindowSize: 1024 * 1024, enablePush: false },
  });
  const stream = session.request({
    ":method": "POST",
    ":path": attachPath,
    "content-type": "application/grpc+proto",
    te: "trailers",
  });

  function end(error?: unknown) {
    reason ??= error;
    if (error !== undefined) session.destroy();
    else stream.end();
    setTimeout(() => session.destroy(), endGraceMs).unref();
  }

  const decoder = createFrameDecoder(maxMessageBytes, onMessage);
  const orEnd = (step: () => void) => {
    try {
      step();
    } catch (error) {
      end(error);
    }
  };
  const note = (error: unknown) => {
    reason ??= error;
  };

  stream.on("response", (headers) => note(errorOfHeaders(headers, url)));
  stream.on("trailers", (trailers) => note(findTrailerError(toHeaders(trailers))));
  stream.on("data", (chunk: Buffer) => orEnd(() => decoder.push(chunk)));
  stream.on("end", () => orEnd(() => decoder.end()));
  stream.on("error", (error) => note(unreachable(url, error)));
  session.on("error", (error) => note(unreachable(url, error)));
  const closed = new Promise<unknown>((resolve) => {
    // The session's own close does not always come: not after a TLS alert, for one.
    stream.once("close", () => {
      session.destroy();
      setImmediate(() => resolve(reason));
    });
  });
  return {
    send: (frames) => void stream.write(frames),
    queuedBytes: () => stream.writableLength,
    setReading: (on) => void (on ? stream.resume() : stream.pause()),
    end,
    closed,
  };
}

function errorOfHeaders(headers: IncomingHttpHeaders, url: string): ConnectError | undefined {
  if (Number(headers[":status"]) !== constants.HTTP_STATUS_OK)
    return unreachable(url, new Error(`HTTP status ${headers[":status"]}`));
  // The first Headers of a process loads all of Node's fetch, megabytes of it: not for a stream that simply begins.
  return headers["grpc-status"] === undefined ? undefined : findTrailerError(toHeaders(headers));
}

function toHeaders(headers: IncomingHttpHeaders): Headers {
  const plain = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
  return new Headers(plain.map(([name, value]) => [name, String(value)]));
}

function unreachable(url: string, cause: Error): ConnectError {
  return failure(ErrorReason.UNREACHABLE, `no relay at ${url}: ${cause.message}`, {
    metadata: { address: url },
    remedy: "check the address, the network and that a relay runs there",
    cause,
  });
}
