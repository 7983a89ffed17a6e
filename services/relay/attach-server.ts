// The HTTP/2 server that daemons dial: one path, taken at stream level because it is the hot path of a fleet.
import { createSecureServer, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { RelayService } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import {
  type Connections,
  type ListenAddress,
  listen,
  secureOptions,
  type TlsIdentity,
  trackConnections,
} from "../shared/http2-listener.js";
import type { Logger } from "../shared/log.js";
import { type AttachStream, type AttachStreamEvents, acceptAttachStream } from "./attach-stream.js";

export interface AttachServerOptions {
  readonly listen: ListenAddress;
  readonly tls?: TlsIdentity;
  /** A connection on which nothing happens for so long is ended. */
  readonly idleMs: number;
  readonly onAttach: (stream: AttachStream) => AttachStreamEvents;
  readonly log: Logger;
}

export interface AttachServer extends Connections {
  readonly url: string;
}

const attachPath = `/${RelayService.typeName}/${RelayService.method.attach.name}`;

/** Resolves when it listens. Throws UNREACHABLE when the address cannot be had. */
export async function startAttachServer(options: AttachServerOptions): Promise<AttachServer> {
  // A whole answer fits into one window, so that it needs no window update on its way.
  const settings = { settings: { initialWindowSize: 1024 * 1024 } };
  const server = options.tls
    ? createSecureServer({ ...secureOptions(options.tls), ...settings })
    : createServer(settings);
  const connections = trackConnections(server, options.log);
  server.on("session", (session) => session.setTimeout(options.idleMs, () => session.destroy()));
  server.on("stream", (stream, headers) => route(stream, headers, options));
  const url = await listen(server, options.listen, options.tls ? "https" : "http");
  server.on("error", (error) => options.log.error({ err: error }, "attach server failed"));
  return { url, ...connections };
}

function route(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, { onAttach, log }: AttachServerOptions): void {
  const isGrpc = /^application\/grpc(\+proto)?$/.test(headers["content-type"] ?? "");
  if (headers[":method"] === "POST" && isGrpc && headers[":path"] === attachPath) {
    acceptAttachStream(stream, headers, onAttach);
    return;
  }
  stream.on("error", (error) => log.debug({ err: error }, "stray stream failed"));
  const refusal = isGrpc
    ? { ":status": 200, "content-type": "application/grpc", ...unknownMethod(headers) }
    : { ":status": 404 };
  stream.respond(refusal, { endStream: true });
}

function unknownMethod(headers: IncomingHttpHeaders) {
  const error = failure(ErrorReason.UNKNOWN_OPERATION, `a relay serves ${attachPath}, not ${headers[":path"]}`, {
    metadata: { method: String(headers[":path"]), nearest: attachPath },
    remedy: "ask the control plane or a daemon's own address",
  });
  return Object.fromEntries(setTrailerStatus(new Headers(), ConnectError.from(error)));
}
