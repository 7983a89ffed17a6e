// A daemon that says exactly what a test wants, byte by byte, over HTTP/2.
import { type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import {
  AttachRequestSchema,
  type AttachResponse,
  AttachResponseSchema,
} from "../../services/gen/systemsmanager/relay/v1/relay_service_pb.js";
import { createFrameDecoder, encodeFrame } from "../../services/shared/grpc-frames.js";
import { protocolVersion } from "../../services/shared/version.js";
import { hostIdOf } from "../daemon/simulated-provider.js";

export const attachPath = "/systemsmanager.relay.v1.RelayService/Attach";

export interface RawClient {
  readonly stream: ClientHttp2Stream;
  readonly received: AttachResponse[];
  /** How the relay ended the stream; undefined for OK. */
  readonly ended: Promise<ConnectError | undefined>;
  send(message: MessageInitShape<typeof AttachRequestSchema>["message"]): void;
  write(bytes: Uint8Array): void;
  close(): void;
}

/** Opens a stream; nothing is sent on it. */
export function openRawClient(url: string, path = attachPath, contentType = "application/grpc+proto"): RawClient {
  const session = connect(url);
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": contentType, te: "trailers" });
  const received: AttachResponse[] = [];
  const decoder = createFrameDecoder(4 * 1024 * 1024, (bytes) =>
    received.push(fromBinary(AttachResponseSchema, bytes)),
  );
  let error: ConnectError | undefined;
  const take = (headers: object) => {
    const plain = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
    error ??= findTrailerError(new Headers(plain.map(([name, value]) => [name, String(value)])));
  };
  stream.on("data", (chunk: Buffer) => decoder.push(chunk));
  stream.on("response", take);
  stream.on("trailers", take);
  stream.on("error", (reason) => {
    error ??= ConnectError.from(reason);
  });
  session.on("error", (reason) => {
    error ??= ConnectError.from(reason);
  });
  const ended = new Promise<ConnectError | undefined>((resolve) => {
    stream.once("close", () => {
      session.destroy();
      resolve(error);
    });
  });
  const write = (bytes: Uint8Array) => void stream.write(bytes);
  return {
    stream,
    received,
    ended,
    write,
    send: (message) => write(encodeFrame(encodeRequest(message))),
    close: () => session.destroy(),
  };
}

/** An AttachRequest in bytes, unframed. */
export function encodeRequest(message: MessageInitShape<typeof AttachRequestSchema>["message"]): Uint8Array {
  return toBinary(AttachRequestSchema, create(AttachRequestSchema, { message } as never));
}

/** A valid hello of a host with this name. */
export function helloOf(name: string, change: object = {}) {
  const facts = { hostId: hostIdOf(name), name, os: "linux", labels: { role: "test" } };
  return { case: "hello" as const, value: { protocolVersion, facts, ...change } };
}
