// ListPackages: what the host's package manager has installed, and what it could upgrade.
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { compilePattern } from "../../../shared/pattern.js";
import type { OperationHandlers } from "../../os-provider.js";
import type { InstalledPackage, PackageManager } from "./package-manager.js";
import { selectPackageManager } from "./select-package-manager.js";

const defaultLimit = 500;

/** Handlers of the packages' reads. UNSUPPORTED where no known package manager is found. */
export function createPackageHandlers(): Pick<OperationHandlers<typeof TelemetryService>, "listPackages"> {
  return {
    async listPackages(request, { signal }) {
      const matches = compilePattern(request.pattern);
      const manager = await selectPackageManager("ListPackages");
      const rows = request.upgradableOnly ? await listUpgradable(manager, signal) : await listAll(manager, signal);
      const matched = rows.filter(({ name }) => matches(name)).sort(byNameAndArch);
      const packages = matched.slice(0, request.limit || defaultLimit).map(toProto);
      return {
        packageManager: manager.traits.name,
        packages,
        matchedCount: matched.length,
        omittedCount: matched.length - packages.length,
      };
    },
  };
}

interface Row extends InstalledPackage {
  readonly candidateVersion?: string;
}

async function listAll(manager: PackageManager, signal: AbortSignal): Promise<Row[]> {
  return (await manager.listInstalled(signal)).filter(({ configurationOnly }) => !configurationOnly);
}

async function listUpgradable(manager: PackageManager, signal: AbortSignal): Promise<Row[]> {
  const installed = await listAll(manager, signal);
  const upgrades = await manager.listUpgrades(signal);
  return upgrades.flatMap(({ name, arch, version }) => {
    const sameName = installed.filter((candidate) => candidate.name === name);
    const old = sameName.find((candidate) => candidate.arch === arch) ?? sameName[0];
    return old ? [{ ...old, candidateVersion: version }] : [];
  });
}

function toProto({ name, version, arch, candidateVersion = "", installedBytes }: Row) {
  const size = installedBytes === undefined ? {} : { installedBytes: BigInt(installedBytes) };
  return { name, version, arch, candidateVersion, ...size };
}

function byNameAndArch(a: Row, b: Row): number {
  return compare(a.name, b.name) || compare(a.arch, b.arch) || compare(a.version, b.version);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
