// grpc.health.v1: a server that answers serves all of its services.
import { once } from "node:events";
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../gen/grpc/health/v1/health_pb.js";

/** Adds Check, List and Watch for these services and, under the empty name, for the whole server. */
export function addHealth(router: ConnectRouter, services: readonly DescService[]): void {
  const names = ["", ...services.map((service) => service.typeName)];
  router.service(Health, {
    check: ({ service }) => {
      if (names.includes(service)) return { status: Status.SERVING };
      // The protocol asks for this very code; stock clients look at nothing else.
      throw new ConnectError(`no service is named ${JSON.stringify(service)}`, Code.NotFound);
    },
    list: () => ({ statuses: Object.fromEntries(names.map((name) => [name, { status: Status.SERVING }])) }),
    async *watch({ service }, context) {
      yield { status: names.includes(service) ? Status.SERVING : Status.SERVICE_UNKNOWN };
      if (!context.signal.aborted) await once(context.signal, "abort");
      yield { status: Status.NOT_SERVING };
    },
  });
}
