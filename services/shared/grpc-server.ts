// One HTTP/2 server that speaks gRPC, gRPC-web and Connect, with health, server reflection, and authentication in front of
// the services themselves. The daemon and the fleet both listen through it.
import { setMaxListeners } from "node:events";
import { createSecureServer, createServer } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { ErrorReason, failure } from "./errors.js";
import { addHealth } from "./grpc-health.js";
import { addReflection } from "./grpc-reflection.js";
import { handleRpcs } from "./handle-rpcs.js";
import {
  type ListenAddress,
  listen,
  secureOptions,
  type TlsIdentity,
  trackConnections,
  warnOfPlainText,
} from "./http2-listener.js";
import type { Logger } from "./log.js";
import { logFaults } from "./log-faults.js";
import { validateRequests } from "./validation.js";

export type { ListenAddress, TlsIdentity };

export interface GrpcServerOptions {
  readonly listen: ListenAddress;
  readonly tls?: TlsIdentity;
  /** Adds the implementations of `services`. */
  readonly routes: (router: ConnectRouter) => void;
  /** What health and reflection name. */
  readonly services: readonly DescService[];
  /** Throws UNAUTHENTICATED, or sets the caller in the request's context values. Health and reflection go without. */
  readonly authenticate: Interceptor;
  /** Around everything else, for those who measure and trace. */
  readonly observers?: readonly Interceptor[];
  readonly log: Logger;
}

export interface GrpcServer {
  /** "http://127.0.0.1:4711", or https. */
  readonly url: string;
  /** Lets running calls end for up to two seconds, then ends them. */
  close(): Promise<void>;
}

const closeGraceMs = 2_000;
const maxRequestBytes = 4 * 1024 * 1024;

/** Resolves when the server listens. Throws UNREACHABLE when the address cannot be had. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  warnOfPlainText(options.listen, options.tls, options.log);
  const stopping = new AbortController();
  // Every call that goes on listens to it, and stops listening when it ends.
  setMaxListeners(0, stopping.signal);
  const routes = (router: ConnectRouter) => {
    options.routes(router);
    addHealth(router, options.services);
    addReflection(router, options.services);
  };
  const interceptors = [
    ...(options.observers ?? []),
    logFaults(options.log),
    exceptOpenServices(options.authenticate),
    validateRequests,
  ];
  const limits = { readMaxBytes: maxRequestBytes, shutdownSignal: stopping.signal };
  const handler = handleRpcs(routes, { interceptors, ...limits }, options.log);
  const listener = options.tls ? createSecureServer(secureOptions(options.tls), handler) : createServer(handler);
  const connections = trackConnections(listener, options.log);
  const url = await listen(listener, options.listen, options.tls ? "https" : "http");
  listener.on("error", (error) => options.log.error({ err: error }, "gRPC server failed"));
  return {
    url,
    close() {
      connections.stopListening();
      stopping.abort(failure(ErrorReason.UNREACHABLE, "the server is stopping", { remedy: "try again later" }));
      return connections.close(closeGraceMs);
    },
  };
}

// Probes and tools ask these before they have a credential, and the schemas are no secret.
const openServices = new Set([Health, ServerReflection, ServerReflectionAlpha].map(({ typeName }) => typeName));

function exceptOpenServices(authenticate: Interceptor): Interceptor {
  return (next) => {
    const authenticated = authenticate(next);
    return (request) => (openServices.has(request.service.typeName) ? next(request) : authenticated(request));
  };
}
