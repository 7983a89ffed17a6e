// MutationService for direct gRPC clients: dry runs alone. A change needs a signed command with a grant, which the daemon's
// command path checks.
import type { ConnectRouter } from "@connectrpc/connect";
import { MutationService } from "../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import type { OperationRunner } from "../providers/operation-runner.js";
import { serveOperations } from "../providers/serve-operations.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { isDryRun, type Operation } from "../shared/operations.js";

/** Serves every method of MutationService from the provider; PLAN_REQUIRED for what is not a dry run. */
export function addMutationService(router: ConnectRouter, runner: OperationRunner): void {
  const serve = serveOperations(MutationService, async (operation, request, call) => {
    if (!isDryRun(request)) throw planRequired(operation);
    return runner.read(operation, request, call);
  });
  router.service(MutationService, serve);
}

/** The refusal of a change that comes without a grant. */
export function planRequired(operation: Operation) {
  return failure(ErrorReason.PLAN_REQUIRED, `${operation.name} changes the host and comes without a grant`, {
    metadata: { operation: operation.name },
    remedy: "make a plan with the fleet and commit it, or set dry_run",
  });
}
