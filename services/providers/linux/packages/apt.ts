// apt and dpkg: Debian, Ubuntu and their descendants.
import { type RunOptions, readProgram, runProgram } from "../run-program.js";
import { parseAptPolicy, parseAptSimulation, parseAptUpgradable, parseDpkgList } from "./apt-output.js";
import type { PackageAction, PackageManager, PackageManagerTraits, PackageRequest } from "./package-manager.js";
import { managerRunner, unknownPackage } from "./run-manager.js";

const traits: PackageManagerTraits = {
  name: "apt",
  program: "apt-get",
  lockFiles: [
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/cache/apt/archives/lock",
    "/var/lib/apt/lists/lock",
  ],
  vitalPackages: ["apt", "dpkg", "init", "systemd", "systemd-sysv", "sysvinit-core", "libc6", "base-files"],
  cache: { directories: ["/var/cache/apt/archives"], file: /\.deb$/ },
  listFiles: { program: "dpkg-query", args: ["--listfiles"] },
};

const run = managerRunner(
  traits,
  {
    locked: /Could not (get lock|open lock file)|Unable to (acquire|lock)/,
    unknownPackage: /(?:Unable to locate package |Version '[^']*' for ')([^\s']+)/,
    protectedPackage: /Essential packages were removed|Removing essential system-critical packages is not permitted/,
  },
  {
    DEBIAN_FRONTEND: "noninteractive",
    APT_LISTCHANGES_FRONTEND: "none",
    NEEDRESTART_SUSPEND: "1",
  },
);

// A changed configuration file is kept, and its new version goes beside it: nothing asks, nothing is lost.
const keepConfiguration = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"];
const common = ["-q", "-y", "-o", "APT::Color=0", "-o", "DPkg::Lock::Timeout=0", "-o", "Dpkg::Use-Pty=0"];
const listFields = ["Package", "Architecture", "Version", "Installed-Size", "db:Status-Status"];
const listFormat = `${listFields.map((field) => `\${${field}}`).join("\\t")}\\n`;

/** The apt backend. */
export const apt: PackageManager = {
  traits,
  async listInstalled(signal) {
    const { stdout } = await runProgram("dpkg-query", ["--show", `--showformat=${listFormat}`], {
      signal,
      // An empty database.
      acceptedExitCodes: [0, 1],
    });
    return parseDpkgList(stdout.text);
  },
  async listUpgrades(signal) {
    const { stdout } = await run("apt", ["list", "--upgradable", "-o", "APT::Color=0"], { signal });
    return parseAptUpgradable(stdout.text);
  },
  async plan(action, signal) {
    if (action.kind === "install") await requireOffered(action.packages, { signal });
    const native = (await readProgram("dpkg", ["--print-architecture"], { signal })).trim();
    const args = ["--simulate", ...common, ...(await commandOf(action, signal))];
    const { stdout, output } = await run("apt-get", args, { signal });
    return { ...parseAptSimulation(stdout.text, native), output };
  },
  async apply(action, signal) {
    if (action.kind === "refresh") return (await run("apt-get", [...common, "update"], { signal })).output;
    if (action.kind === "clean-cache") return (await run("apt-get", [...common, "clean"], { signal })).output;
    const args = [...common, ...keepConfiguration, ...(await commandOf(action, signal))];
    return (await run("apt-get", args, { signal })).output;
  },
  async compareVersions(first, second, signal) {
    const is = async (relation: string) => {
      const args = ["--compare-versions", first, relation, second];
      return (await runProgram("dpkg", args, { signal, acceptedExitCodes: [0, 1] })).exitCode === 0;
    };
    if (await is("lt")) return -1;
    return (await is("gt")) ? 1 : 0;
  },
};

async function commandOf(action: PackageAction, signal: AbortSignal): Promise<string[]> {
  switch (action.kind) {
    case "install":
      return [
        "install",
        ...(action.packages.some(({ version }) => version) ? ["--allow-downgrades"] : []),
        ...action.packages.map(({ name, version }) => (version ? `${name}=${version}` : name)),
      ];
    case "remove":
      return ["remove", ...action.names];
    case "update":
      return action.names.length > 0 ? ["install", "--only-upgrade", ...action.names] : ["upgrade", "--with-new-pkgs"];
    case "remove-unused":
      return ["autoremove"];
    case "remove-orphaned": {
      const leftovers = (await apt.listInstalled(signal)).filter(({ configurationOnly }) => configurationOnly);
      return ["purge", ...leftovers.map(({ name, arch }) => `${name}:${arch}`)];
    }
  }
}

// apt-get takes an unknown name as a regular expression, and one that ends in "-" as a removal; so names are looked up first.
async function requireOffered(packages: readonly PackageRequest[], options: RunOptions): Promise<void> {
  const { stdout } = await run("apt-cache", ["policy", ...packages.map(({ name }) => name)], options);
  const offered = parseAptPolicy(stdout.text);
  for (const { name, version } of packages) {
    const versions = offered.get(name) ?? [];
    if (versions.length === 0) throw unknownPackage(name, "in the repositories");
    if (version && !versions.includes(version)) throw unknownPackage(`${name}=${version}`, "in the repositories");
  }
}
