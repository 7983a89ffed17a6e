// Packages of one made-up host: those of its variant, and what changes made of them.
import { ChangeKind } from "../../../gen/systemsmanager/mutation/v1/change_pb.js";
import type { ListPackagesRequest } from "../../../gen/systemsmanager/telemetry/v1/package_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { compilePattern } from "../../../shared/pattern.js";
import { createRandom } from "../seeded-random.js";

const newest = "2.0-1";
const older = "1.9-3";
const count = 400;
const defaultLimit = 200;

interface PackageChange {
  subject: string;
  kind: ChangeKind;
  from: string;
  to: string;
}

/** The packages of a host of this variant; changes live as long as the object. */
export function createSimulatedPackages(seed: string, variant: number) {
  let installed: Map<string, string> | undefined;

  // Hosts that are never asked need no list.
  function load(): Map<string, string> {
    installed ??= createInstalled(createRandom(`${seed}/packages/${variant}`));
    return installed;
  }

  function list({ pattern, upgradableOnly, limit }: ListPackagesRequest) {
    const matches = compilePattern(pattern);
    const all = [...load()]
      .filter(([name, version]) => matches(name) && (!upgradableOnly || version !== newest))
      .map(([name, version]) => ({ name, version, arch: "amd64", candidateVersion: version === newest ? "" : newest }));
    const packages = all.slice(0, limit || defaultLimit);
    const counts = { matchedCount: all.length, omittedCount: all.length - packages.length };
    return { packageManager: "simulated", packages, ...counts };
  }

  function apply(changes: PackageChange[], dryRun: boolean) {
    for (const { subject, to } of dryRun ? [] : changes) {
      if (to === "") load().delete(subject);
      else load().set(subject, to);
    }
    return { changes, dryRun };
  }

  return {
    list,
    install(wanted: readonly string[], dryRun: boolean) {
      const changes = wanted.map((each) => {
        const [name = "", version = newest] = each.split("=");
        return { subject: name, kind: ChangeKind.INSTALL, from: load().get(name) ?? "", to: version };
      });
      return apply(
        changes.filter(({ from, to }) => from === "" || from !== to),
        dryRun,
      );
    },
    remove(wanted: readonly string[], dryRun: boolean) {
      const missing = wanted.find((name) => !load().has(name));
      if (missing !== undefined) throw unknownPackage(missing);
      const from = (name: string) => load().get(name) as string;
      return apply(
        wanted.map((name) => ({ subject: name, kind: ChangeKind.REMOVE, from: from(name), to: "" })),
        dryRun,
      );
    },
    update(wanted: readonly string[], dryRun: boolean) {
      const named = ([name]: [string, string]) => wanted.length === 0 || wanted.includes(name);
      const changes = [...load()]
        .filter((each) => named(each) && each[1] !== newest)
        .map(([subject, from]) => ({ subject, kind: ChangeKind.UPGRADE, from, to: newest }));
      return apply(changes, dryRun);
    },
  };
}

function createInstalled(random: () => number): Map<string, string> {
  const numbers = Array.from({ length: count }, (_, index) => String(index).padStart(3, "0"));
  return new Map(numbers.map((number) => [`simulated-package-${number}`, random() < 0.02 ? older : newest]));
}

function unknownPackage(name: string) {
  return failure(ErrorReason.UNKNOWN_PACKAGE, `the simulated host has no package ${JSON.stringify(name)}`, {
    metadata: { package: name },
    remedy: "use a name that ListPackages shows",
  });
}
