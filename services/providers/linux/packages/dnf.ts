// dnf, versions 4 and 5: Fedora, Red Hat Enterprise Linux and their descendants.
import { errorDetailOf } from "../../../shared/errors.js";
import { parseDnfQuery, parseDnfTransaction } from "./dnf-output.js";
import {
  emptyPlan,
  type PackageAction,
  type PackageManager,
  type PackageManagerTraits,
  type PackageUpgrade,
} from "./package-manager.js";
import { compareRpmVersions, listRpms, rpmListFiles } from "./rpm-database.js";
import { managerRunner, unknownPackage } from "./run-manager.js";

const traits: PackageManagerTraits = {
  name: "dnf",
  program: "dnf",
  lockFiles: [
    "/var/cache/dnf/download_lock.pid",
    "/var/cache/dnf/metadata_lock.pid",
    "/var/lib/dnf/rpmdb_lock.pid",
    "/run/dnf/rpmtransaction.lock",
    "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
  ],
  vitalPackages: ["dnf", "dnf5", "rpm", "systemd", "glibc", "filesystem", "setup"],
  cache: { directories: ["/var/cache/dnf", "/var/cache/libdnf5"], file: /\/packages\/[^/]+\.rpm$/ },
  listFiles: rpmListFiles,
};

const run = managerRunner(traits, {
  locked: /waiting for process with pid|already locked by|failed to obtain.*lock|transaction lock/i,
  unknownPackage: /No match for argument: (\S+)/,
  protectedPackage: /protected packages/,
});

// Present metadata is used whatever its age, so that a dry run and its commit see the same; refresh is asked for by name.
const common = ["--setopt=exit_on_lock=True", "--setopt=metadata_expire=-1", "--setopt=*.metadata_expire=-1"];

/** The dnf backend. */
export const dnf: PackageManager = {
  traits,
  listInstalled: listRpms,
  compareVersions: compareRpmVersions,
  listUpgrades: (signal) => query(["--upgrades", "--latest-limit=1"], signal),
  async plan(action, signal) {
    // Nobody agrees, so it exits with 1 after it has shown the table.
    const options = { signal, acceptedOutput: /^Operation aborted/m };
    const args = await commandOf(action, signal);
    if (args.length === 0) return emptyPlan;
    const { stdout, output } = await run("dnf", [...common, "--assumeno", ...args], options).catch((error) => {
      throw asRequested(error, action);
    });
    return { ...parseDnfTransaction(stdout.text, await listRpms(signal)), output };
  },
  async apply(action, signal) {
    if (action.kind === "refresh") return (await run("dnf", [...common, "--refresh", "makecache"], { signal })).output;
    if (action.kind === "clean-cache") return (await run("dnf", [...common, "clean", "packages"], { signal })).output;
    return (await run("dnf", [...common, "--assumeyes", ...(await commandOf(action, signal))], { signal })).output;
  },
};

// dnf names what it did not find as "name-version".
function asRequested(error: unknown, action: PackageAction): unknown {
  const missing = errorDetailOf(error).metadata.package;
  const packages = action.kind === "install" ? action.packages : [];
  const request = packages.find(({ name, version }) => version && `${name}-${version}` === missing);
  return request ? unknownPackage(`${request.name}=${request.version}`, "in the repositories") : error;
}

async function query(selection: readonly string[], signal: AbortSignal): Promise<PackageUpgrade[]> {
  const format = ["--queryformat", "%{name}\\t%{evr}\\t%{arch}\\n"];
  const { stdout } = await run("dnf", [...common, "--quiet", "--cacheonly", "repoquery", ...selection, ...format], {
    signal,
  });
  return parseDnfQuery(stdout.text);
}

// Empty when there is nothing to do.
async function commandOf(action: PackageAction, signal: AbortSignal): Promise<string[]> {
  switch (action.kind) {
    case "install":
      return ["install", ...action.packages.map(({ name, version }) => (version ? `${name}-${version}` : name))];
    case "remove":
      return ["remove", ...action.names];
    case "update":
      return ["upgrade", ...action.names];
    case "remove-unused":
      return ["autoremove"];
    case "remove-orphaned": {
      const extras = await query(["--extras"], signal);
      const names = extras.map(({ name, version, arch }) => `${name}-${version}.${arch}`);
      return names.length > 0 ? ["remove", ...names] : [];
    }
  }
}
