// The daemon's own address, where direct gRPC clients are answered with the same services.
import type { Interceptor } from "@connectrpc/connect";
import { TraceService } from "../gen/systemsmanager/trace/v1/trace_service_pb.js";
import { authenticateRequests } from "../identity/authenticate.js";
import { localTokenAuthenticator } from "../identity/principal.js";
import { addMutationService } from "../mutation/mutation-service.js";
import type { OperationRunner } from "../providers/operation-runner.js";
import type { OSProvider } from "../providers/os-provider.js";
import { type GrpcServer, type ListenAddress, startGrpcServer } from "../shared/grpc-server.js";
import type { Logger } from "../shared/log.js";
import { hostServices } from "../shared/operations.js";
import { addTelemetryService } from "../telemetry/telemetry-service.js";
import { addTraceService } from "../telemetry/trace-service.js";

export interface DirectServerOptions {
  readonly provider: OSProvider;
  readonly runner: OperationRunner;
  /** Clients present the token. */
  readonly listen: ListenAddress & { readonly token: string };
  /** Around the calls of clients. */
  readonly observers?: readonly Interceptor[];
  readonly log: Logger;
}

/** Resolves when it listens. UNREACHABLE when the address cannot be had. */
export function startDirectServer(options: DirectServerOptions): Promise<GrpcServer> {
  const { provider, runner, listen, observers = [], log } = options;
  const { token, ...address } = listen;
  return startGrpcServer({
    listen: address,
    routes: (router) => {
      addTelemetryService(router, runner);
      addMutationService(router, runner);
      addTraceService(router, provider);
    },
    services: [...hostServices, TraceService],
    authenticate: authenticateRequests(localTokenAuthenticator(token)),
    observers,
    log,
  });
}
