// Text of apt and dpkg.
import type { InstalledPackage, PackagePlan, PackageUpgrade, PlannedRemoval } from "./package-manager.js";

const absentStates = new Set(["not-installed", "config-files"]);

/** Lines of package, architecture, version, size in KiB and state, separated by tabs. Half-installed packages count. */
export function parseDpkgList(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const line of text.split("\n")) {
    const [name = "", arch = "", version = "", kibibytes = "", state = ""] = line.split("\t");
    if (version === "" || state === "not-installed") continue;
    const size = kibibytes === "" ? {} : { installedBytes: Number(kibibytes) * 1024 };
    packages.push({ name, arch, version, ...size, ...(absentStates.has(state) ? { configurationOnly: true } : {}) });
  }
  return packages;
}

/** `apt list --upgradable`: "curl/stable-security 7.88.1-10+deb12u5 amd64 [upgradable from: 7.88.1-10+deb12u4]". */
export function parseAptUpgradable(text: string): PackageUpgrade[] {
  const lines = text.matchAll(/^([^/\s]+)\/\S+ (\S+) (\S+) \[upgradable from: [^\]]+\]$/gm);
  return [...lines].map(([, name = "", version = "", arch = ""]) => ({ name, version, arch }));
}

/**
 * `apt-get --simulate`: "Inst curl [1.0] (2.0 stable [amd64])", "Remv curl [1.0]", "Purg curl". Only foreign architectures stand
 * in a name: "libc6:i386".
 */
export function parseAptSimulation(text: string, nativeArch: string): Omit<PackagePlan, "output"> {
  const removed: PlannedRemoval[] = [];
  const added: PackageUpgrade[] = [];
  for (const line of text.split("\n")) {
    const install = /^Inst (\S+)(?: \[([^\]]+)\])? \((\S+) .*?\[([^\]]+)\]\)/.exec(line);
    const removal = /^(Remv|Purg) (\S+)(?: \[([^\]]+)\])?/.exec(line);
    if (install) {
      const [, qualified = "", from, version = "", arch = ""] = install;
      const { name, arches } = splitName(qualified, nativeArch);
      if (from) removed.push({ name, arches, version: from });
      added.push({ name, version, arch });
    } else if (removal) {
      const [, verb, qualified = "", version = ""] = removal;
      const leftovers = verb === "Purg" ? { configurationOnly: true } : {};
      removed.push({ ...splitName(qualified, nativeArch), version, ...leftovers });
    }
  }
  return { removed, added };
}

function splitName(qualified: string, nativeArch: string): { name: string; arches: string[] } {
  const [name = "", arch] = qualified.split(":");
  return { name, arches: arch ? [arch] : [nativeArch, "all"] };
}

/** `apt-cache policy`: the versions of each package that a repository or the host itself has, newest first. */
export function parseAptPolicy(text: string): Map<string, string[]> {
  const versions = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split("\n")) {
    const header = /^(\S+):$/.exec(line);
    const version = /^ (?:\*\*\*| {3}) (\S+) -?\d+$/.exec(line);
    if (header) {
      current = [];
      versions.set(header[1] as string, current);
    } else if (version) {
      current.push(version[1] as string);
    }
  }
  return versions;
}
