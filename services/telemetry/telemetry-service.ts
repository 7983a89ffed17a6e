// TelemetryService for direct gRPC clients. What the fleet asks takes the same runner.
import type { ConnectRouter } from "@connectrpc/connect";
import { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { OperationRunner } from "../providers/operation-runner.js";
import { serveOperations } from "../providers/serve-operations.js";

/** Serves every method of TelemetryService from the provider. */
export function addTelemetryService(router: ConnectRouter, runner: OperationRunner): void {
  router.service(TelemetryService, serveOperations(TelemetryService, runner.read));
}
