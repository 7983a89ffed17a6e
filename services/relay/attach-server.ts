// The HTTP/2 server that daemons dial. It has one path: the hot path of a fleet.
import { ConnectError } from "@connectrpc/connect";
import { RelayService } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Http2Stream, StreamEvents } from "../shared/http2/connection.js";
import type { HeaderField } from "../shared/http2/hpack-decoder.js";
import { encodeHeaderBlock } from "../shared/http2/hpack-encoder.js";
import { sendTrailers } from "../shared/http2/send.js";
import { createHttp2Server, type Http2Server } from "../shared/http2/serve-connections.js";
import { type ListenAddress, listen, type TlsIdentity } from "../shared/http2-listener.js";
import type { Logger } from "../shared/log.js";
import { type AttachStream, type AttachStreamEvents, acceptAttachStream, statusFields } from "./attach-stream.js";

export interface AttachServerOptions {
  readonly listen: ListenAddress;
  readonly tls?: TlsIdentity;
  /** A connection on which nothing comes for so long is cut. */
  readonly idleMs: number;
  readonly onAttach: (stream: AttachStream) => AttachStreamEvents;
  readonly log: Logger;
}

export interface AttachServer extends Pick<Http2Server, "stopListening" | "close"> {
  readonly url: string;
}

const attachPath = `/${RelayService.typeName}/${RelayService.method.attach.name}`;
const grpcType = /^application\/grpc(\+proto)?$/;

/** Resolves when it listens. Throws UNREACHABLE when the address cannot be had. */
export async function startAttachServer(options: AttachServerOptions): Promise<AttachServer> {
  const server = createHttp2Server({
    ...options,
    onRequest: (stream, headers) => route(stream, headers, options.onAttach),
  });
  const url = await listen(server.listener, options.listen, options.tls ? "https" : "http").catch(async (error) => {
    await server.close(0);
    throw error;
  });
  server.listener.on("error", (error) => options.log.error({ err: error }, "attach server failed"));
  return { url, stopListening: server.stopListening, close: server.close };
}

function route(
  stream: Http2Stream,
  headers: ReadonlyMap<string, string>,
  onAttach: AttachServerOptions["onAttach"],
): StreamEvents {
  const contentType = headers.get("content-type") ?? "";
  const path = headers.get(":path") ?? "";
  const isGrpc = headers.get(":method") === "POST" && grpcType.test(contentType);
  if (isGrpc && path === attachPath) return acceptAttachStream(stream, contentType, onAttach);
  const refusal: HeaderField[] = isGrpc ? unknownMethod(path) : [[":status", "404"]];
  sendTrailers(stream, encodeHeaderBlock(refusal));
  return stream.events;
}

function unknownMethod(path: string): HeaderField[] {
  const error = failure(ErrorReason.UNKNOWN_OPERATION, `a relay serves ${attachPath}, not ${path}`, {
    metadata: { method: path, nearest: attachPath },
    remedy: "ask the control plane or a daemon's own address",
  });
  return [[":status", "200"], ["content-type", "application/grpc"], ...statusFields(ConnectError.from(error))];
}
