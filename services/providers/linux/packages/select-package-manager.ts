// The one place that chooses the package backend.
import { ErrorReason, failure } from "../../../shared/errors.js";
import { lookUpProgram } from "../find-program.js";
import { readOsRelease } from "../system/os-release.js";
import { apt } from "./apt.js";
import { dnf } from "./dnf.js";
import type { PackageManager } from "./package-manager.js";
import { pacman } from "./pacman.js";
import { zypper } from "./zypper.js";

const managerOfDistro: Readonly<Record<string, PackageManager>> = {
  debian: apt,
  ubuntu: apt,
  fedora: dnf,
  rhel: dnf,
  centos: dnf,
  amzn: dnf,
  suse: zypper,
  opensuse: zypper,
  sles: zypper,
  arch: pacman,
};

/** What os-release says of the distribution's family. */
export interface DistroFamily {
  readonly id: string;
  readonly idLike: readonly string[];
}

/** The backend of the nearest known distribution. UNSUPPORTED when none is known, or the host lacks its program. */
export async function selectPackageManager(operation: string, distro?: DistroFamily): Promise<PackageManager> {
  const { id, idLike } = distro ?? (await readOsRelease());
  const family = [id, ...idLike];
  const manager = family.map((name) => managerOfDistro[name]).find((found) => found !== undefined);
  if (manager && (await lookUpProgram(manager.traits.program))) return manager;
  const known = family.map((name) => name.replace(/[^\w.-]/g, "?"));
  const missing = manager ? ` and has no ${manager.traits.program}` : "";
  throw failure(ErrorReason.UNSUPPORTED, `the host is ${known.join(", like ")}${missing}`, {
    metadata: { operation, needs: manager?.traits.program ?? "apt, dnf, zypper or pacman", found: family.join(",") },
    remedy: "packages are supported on distributions that use apt, dnf, zypper or pacman",
  });
}
