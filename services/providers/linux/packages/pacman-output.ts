// Text of pacman and of its local database.
import type { InstalledPackage, PackageUpgrade } from "./package-manager.js";

/** One `desc` file of the local database: "%NAME%", then its lines, then an empty line. Undefined when it names no package. */
export function parsePacmanDescription(text: string): InstalledPackage | undefined {
  const fields = new Map([...text.matchAll(/^%(\w+)%\n(.*)$/gm)].map(([, key = "", value = ""]) => [key, value]));
  const name = fields.get("NAME");
  const version = fields.get("VERSION");
  if (!name || !version) return undefined;
  const size = fields.get("SIZE");
  return { name, version, arch: fields.get("ARCH") ?? "", ...(size ? { installedBytes: Number(size) } : {}) };
}

/** A line of `pacman --query --upgrades`. */
export interface PacmanUpgrade extends PackageUpgrade {
  /** True when the host's configuration says not to upgrade it. */
  readonly ignored: boolean;
}

/** `pacman --query --upgrades`: "linux 6.1-1 -> 6.2-1 [ignored]". */
export function parsePacmanUpgrades(text: string): PacmanUpgrade[] {
  const lines = text.matchAll(/^(\S+) \S+ -> (\S+)( \[ignored\])?$/gm);
  return [...lines].map(([, name = "", version = "", ignored]) => ({
    name,
    version,
    arch: "",
    ignored: ignored !== undefined,
  }));
}

/** `--print --print-format "%n\t%v"`, among whatever else it says. */
export function parsePacmanTargets(text: string): { name: string; version: string }[] {
  return [...text.matchAll(/^(\S+)\t(\S+)$/gm)].map(([, name = "", version = ""]) => ({ name, version }));
}

/** Packages that a system upgrade takes away for others: ":: Replace a with extra/b? [Y/n]". */
export function parsePacmanReplacements(text: string): string[] {
  return [...text.matchAll(/^:: Replace (\S+) with \S+\?/gm)].map(([, name = ""]) => name);
}
