// The mutations of a Linux host: services by systemd, packages by whichever manager the distribution has.
import type { MutationService } from "../../../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import type { OperationContext, OperationHandlers } from "../../os-provider.js";
import type { PackageAction, PackageRequest } from "../packages/package-manager.js";
import { selectPackageManager } from "../packages/select-package-manager.js";
import { changePackages } from "./change-packages.js";
import { manageService } from "./manage-service.js";
import { optimize } from "./optimize.js";
import { requireRoot } from "./require-root.js";
import type { LockWait } from "./wait-for-lock.js";

const defaultLockWait: LockWait = { waitMs: 30_000, retryMs: 1000 };

/** Handlers of all mutations. The daemon runs one at a time; other programs of the host may hold its locks. */
export function createMutationHandlers(lockWait = defaultLockWait): OperationHandlers<typeof MutationService> {
  const change = async (
    operation: string,
    action: PackageAction,
    { dryRun, refresh = false }: { dryRun: boolean; refresh?: boolean },
    { signal }: OperationContext,
  ) => {
    requireRoot(operation);
    return changePackages(await selectPackageManager(operation), action, { dryRun, refresh, lockWait, signal });
  };
  return {
    manageService: (request, { signal }) => manageService(request, signal),
    installPackages: (request, context) =>
      change("InstallPackages", { kind: "install", packages: request.packages.map(parseRequest) }, request, context),
    removePackages: (request, context) =>
      change("RemovePackages", { kind: "remove", names: request.packages }, request, context),
    updatePackages: (request, context) =>
      change("UpdatePackages", { kind: "update", names: request.packages }, request, context),
    async optimize({ scopes, dryRun }, { signal }) {
      requireRoot("Optimize");
      return optimize(await selectPackageManager("Optimize"), scopes, { dryRun, lockWait, signal });
    },
  };
}

// "name" or "name=version".
function parseRequest(text: string): PackageRequest {
  const [name = "", version] = text.split("=");
  return version ? { name, version } : { name };
}
