// The rpm database, which dnf and zypper share.
import { readProgram, runProgram } from "../run-program.js";
import type { InstalledPackage, PackageManagerTraits } from "./package-manager.js";

const listFormat = "%{NAME}\\t%{ARCH}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{LONGSIZE}\\n";

/** How rpm prints the paths that packages own. */
export const rpmListFiles: PackageManagerTraits["listFiles"] = { program: "rpm", args: ["--query", "--list"] };

/** Every installed package. */
export async function listRpms(signal: AbortSignal): Promise<InstalledPackage[]> {
  return parseRpmList(await readProgram("rpm", ["--query", "--all", `--queryformat=${listFormat}`], { signal }));
}

/** Lines of name, architecture, version and size, separated by tabs. Signing keys are no packages. */
export function parseRpmList(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const line of text.split("\n")) {
    const [name = "", arch = "", version = "", bytes = ""] = line.split("\t");
    if (version === "" || name === "gpg-pubkey") continue;
    packages.push({ name, arch, version: withoutZeroEpoch(version), installedBytes: Number(bytes) });
  }
  return packages;
}

/** dnf and zypper do not write an epoch of 0. */
export function withoutZeroEpoch(version: string): string {
  return version.startsWith("0:") ? version.slice(2) : version;
}

/** Negative when the first version is older, as rpm compares them: epoch, version, release. */
export async function compareRpmVersions(first: string, second: string, signal: AbortSignal): Promise<number> {
  const [a, b] = [splitVersion(first), splitVersion(second)];
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return (await compareLabels(a.version, b.version, signal)) || (await compareLabels(a.release, b.release, signal));
}

/** "1:2.0-3" is epoch 1, version 2.0, release 3. */
export function splitVersion(version: string): { epoch: number; version: string; release: string } {
  const [, epoch = "0", upstream = "", release = ""] = /^(?:(\d+):)?(.*?)(?:-([^-]*))?$/.exec(version) ?? [];
  return { epoch: Number(epoch), version: upstream, release };
}

async function compareLabels(first: string, second: string, signal: AbortSignal): Promise<number> {
  if (first === second) return 0;
  const label = /^[A-Za-z0-9+._~^]*$/;
  // The labels become part of a program for rpm, so nothing else may stand in them.
  if (!label.test(first) || !label.test(second)) throw new Error("an rpm version has a character that none may have");
  const { stdout } = await runProgram("rpm", ["--eval", `%{lua:print(rpm.vercmp("${first}","${second}"))}`], {
    signal,
  });
  return Number(stdout.text);
}
