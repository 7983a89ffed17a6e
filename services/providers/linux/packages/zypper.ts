// zypper: openSUSE and SUSE Linux Enterprise.
import { emptyPlan, type PackageAction, type PackageManager, type PackageManagerTraits } from "./package-manager.js";
import { compareRpmVersions, listRpms, rpmListFiles } from "./rpm-database.js";
import { managerRunner } from "./run-manager.js";
import { parseZypperSummary, parseZypperTable, parseZypperUpdates } from "./zypper-output.js";

const traits: PackageManagerTraits = {
  name: "zypper",
  program: "zypper",
  lockFiles: ["/run/zypp.pid", "/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"],
  vitalPackages: ["zypper", "libzypp", "rpm", "systemd", "glibc", "filesystem", "aaa_base"],
  cache: { directories: ["/var/cache/zypp/packages"], file: /\.rpm$/ },
  listFiles: rpmListFiles,
};

const runOnce = managerRunner(traits, {
  locked: /System management is locked|transaction lock/,
  unknownPackage: /(?:No provider of|Package) (?:'|&apos;)([^'&]+)(?:'|&apos;) (?:found|not found)/,
});

const common = ["--non-interactive", "--no-refresh", "--no-color"];
// Done, but the host should reboot (102), zypper itself be restarted (103), or a repository was left out (106).
const acceptedExitCodes = [0, 102, 103, 106];
const run = (args: readonly string[], signal: AbortSignal) => runOnce("zypper", args, { signal, acceptedExitCodes });

/** The zypper backend. */
export const zypper: PackageManager = {
  traits,
  listInstalled: listRpms,
  compareVersions: compareRpmVersions,
  async listUpgrades(signal) {
    return parseZypperUpdates((await run([...common, "--xmlout", "list-updates"], signal)).stdout.text);
  },
  async plan(action, signal) {
    const [verb, ...args] = await commandOf(action, signal);
    if (!verb) return emptyPlan;
    const { stdout, output } = await run([...common, "--xmlout", verb, "--dry-run", ...args], signal);
    return { ...parseZypperSummary(stdout.text), output };
  },
  async apply(action, signal) {
    if (action.kind === "refresh") return (await run(["--non-interactive", "--no-color", "refresh"], signal)).output;
    if (action.kind === "clean-cache") return (await run([...common, "clean"], signal)).output;
    return (await run([...common, ...(await commandOf(action, signal))], signal)).output;
  },
};

// Empty when there is nothing to do.
async function commandOf(action: PackageAction, signal: AbortSignal): Promise<string[]> {
  switch (action.kind) {
    case "install":
      return [
        "install",
        ...(action.packages.some(({ version }) => version) ? ["--oldpackage"] : []),
        ...action.packages.map(({ name, version }) => (version ? `${name}=${version}` : name)),
      ];
    case "remove":
      return ["remove", ...action.names];
    case "update":
      return ["update", ...action.names];
    case "remove-unused":
      return removalOf(await listPackages("--unneeded", signal));
    case "remove-orphaned":
      return removalOf(await listPackages("--orphaned", signal));
  }
}

function removalOf(names: readonly string[]): string[] {
  return names.length > 0 ? ["remove", ...names] : [];
}

async function listPackages(selection: "--unneeded" | "--orphaned", signal: AbortSignal): Promise<string[]> {
  return parseZypperTable((await run([...common, "packages", selection], signal)).stdout.text);
}
