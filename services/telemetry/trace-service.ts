// TraceService for direct gRPC clients: what happens in this host's kernel, as it happens.
import type { ConnectRouter } from "@connectrpc/connect";
import { TraceService } from "../gen/systemsmanager/trace/v1/trace_service_pb.js";
import type { OSProvider } from "../providers/os-provider.js";
import { ErrorReason, failure } from "../shared/errors.js";

/** Serves TraceService from the provider. The next batch is asked for when the transport has taken the last one. */
export function addTraceService(router: ConnectRouter, { platform, traceEvents }: OSProvider): void {
  router.service(TraceService, {
    traceEvents(request, { signal }) {
      if (traceEvents) return traceEvents(request, signal);
      throw failure(ErrorReason.UNSUPPORTED, `this ${platform} host tells no events of its kernel`, {
        metadata: { operation: "TraceEvents", needs: "a host with a kernel of its own" },
        remedy: "ask another host",
      });
    },
  });
}
