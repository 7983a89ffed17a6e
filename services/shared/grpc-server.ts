// One HTTP/2 server that speaks gRPC, gRPC-web and Connect, with health, server reflection and authentication in front of
// everything but health. The daemon and the fleet both listen through it.
import { once } from "node:events";
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { ErrorReason, failure } from "./errors.js";
import { addHealth } from "./grpc-health.js";
import { addReflection } from "./grpc-reflection.js";
import type { Logger } from "./log.js";
import { validateRequests } from "./validation.js";

/** Where to listen; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Certificate chain and key in PEM; with `ca`, clients must present a certificate that it signed. */
export interface TlsIdentity {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly ca?: string | Buffer;
}

export interface GrpcServerOptions {
  readonly listen: ListenAddress;
  readonly tls?: TlsIdentity;
  /** Adds the implementations of `services`. */
  readonly routes: (router: ConnectRouter) => void;
  /** What health and reflection name. */
  readonly services: readonly DescService[];
  /** Throws UNAUTHENTICATED, or sets the caller in the request's context values. Health alone goes without. */
  readonly authenticate: Interceptor;
  readonly log: Logger;
}

export interface GrpcServer {
  /** "http://127.0.0.1:4711", or https. */
  readonly url: string;
  /** Lets running calls end for up to two seconds, then ends them. */
  close(): Promise<void>;
}

type Listener = Http2Server | Http2SecureServer;

const closeGraceMs = 2_000;
const maxRequestBytes = 4 * 1024 * 1024;

/** Resolves when the server listens. Throws UNREACHABLE when the address cannot be had. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const stopping = new AbortController();
  const handler = connectNodeAdapter({
    routes: (router) => {
      options.routes(router);
      addHealth(router, options.services);
      addReflection(router, options.services);
    },
    interceptors: [exceptHealth(options.authenticate), validateRequests],
    readMaxBytes: maxRequestBytes,
    shutdownSignal: stopping.signal,
  });
  const listener = options.tls ? createSecureServer(secureOptions(options.tls), handler) : createServer(handler);
  const sessions = trackSessions(listener, options.log);
  const url = await listen(listener, options.listen, options.tls ? "https" : "http");
  return { url, close: () => close(listener, sessions, stopping) };
}

/** Binds an HTTP/2 server and tells its URL. Throws UNREACHABLE when the address cannot be had. */
export async function listen(listener: Listener, address: ListenAddress, scheme: "http" | "https"): Promise<string> {
  try {
    listener.listen(address.port, address.host);
    await once(listener, "listening");
  } catch (cause) {
    throw failure(
      ErrorReason.UNREACHABLE,
      `cannot listen on ${address.host}:${address.port}: ${(cause as Error).message}`,
      {
        metadata: { address: `${address.host}:${address.port}` },
        remedy: "choose another port, or end what holds it",
        cause,
      },
    );
  }
  const { port } = listener.address() as AddressInfo;
  return `${scheme}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${port}`;
}

/** The options of a secure HTTP/2 server with this identity. */
export function secureOptions(tls: TlsIdentity) {
  const clients = tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true };
  return { key: tls.key, cert: tls.cert, ...clients };
}

function exceptHealth(authenticate: Interceptor): Interceptor {
  return (next) => {
    const authenticated = authenticate(next);
    return (request) => (request.service.typeName === Health.typeName ? next(request) : authenticated(request));
  };
}

function trackSessions(listener: Listener, log: Logger): ReadonlySet<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  listener.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("error", (error) => log.debug({ err: error }, "connection failed"));
    session.once("close", () => sessions.delete(session));
  });
  listener.on("error", (error) => log.error({ err: error }, "gRPC server failed"));
  return sessions;
}

async function close(listener: Listener, sessions: ReadonlySet<ServerHttp2Session>, stopping: AbortController) {
  const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
  stopping.abort(failure(ErrorReason.UNREACHABLE, "the server is stopping", { remedy: "try again later" }));
  for (const session of sessions) session.close();
  const kill = setTimeout(() => {
    for (const session of sessions) session.destroy();
  }, closeGraceMs);
  await closed;
  clearTimeout(kill);
}
