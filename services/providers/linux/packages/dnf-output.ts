// Text of dnf 4 and dnf 5.
import type { InstalledPackage, PackagePlan, PackageUpgrade, PlannedRemoval } from "./package-manager.js";
import { withoutZeroEpoch } from "./rpm-database.js";

/** Lines of name, version and architecture, separated by tabs. dnf 4 puts an empty line after each. */
export function parseDnfQuery(text: string): PackageUpgrade[] {
  const rows = text.split("\n").map((line) => line.split("\t"));
  return rows
    .filter((row) => row.length === 3)
    .map(([name = "", version = "", arch = ""]) => ({ name, version: withoutZeroEpoch(version), arch }));
}

type Section = "Installing" | "Upgrading" | "Downgrading" | "Reinstalling" | "Removing";

interface Row {
  readonly section: Section | "replacing";
  readonly name: string;
  readonly arch: string;
  readonly version: string;
}

/** The table that dnf asks to agree to. What an upgrade takes away is looked up among the installed packages. */
export function parseDnfTransaction(text: string, installed: readonly InstalledPackage[]): Omit<PackagePlan, "output"> {
  const rows = parseRows(text);
  const removed = rows.flatMap((row) => (row.section === "Installing" ? [] : removedBy(row, installed)));
  const added = rows.filter(({ section }) => section !== "Removing" && section !== "replacing");
  return { removed, added: added.map(({ name, version, arch }) => ({ name, version, arch })) };
}

function removedBy({ section, name, arch, version }: Row, installed: readonly InstalledPackage[]): PlannedRemoval[] {
  if (section === "Removing" || section === "replacing") return [{ name, version, arches: [arch] }];
  const sameName = installed.filter((candidate) => candidate.name === name);
  const sameArch = sameName.filter((candidate) => candidate.arch === arch);
  // A package may change its architecture, to or from noarch.
  const old = sameArch.length > 0 ? sameArch : sameName;
  return old.map((candidate) => ({ name, version: candidate.version, arches: [candidate.arch] }));
}

function parseRows(text: string): Row[] {
  const rows: Row[] = [];
  let section: Section | undefined;
  for (const line of joinWrapped(text)) {
    const header = /^(\w+)[^:]*:$/.exec(line)?.[1];
    if (!line.startsWith(" ")) section = sections.find((name) => name === header);
    else if (section) rows.push(...parseRow(line, section));
  }
  return rows;
}

const sections: readonly Section[] = ["Installing", "Upgrading", "Downgrading", "Reinstalling", "Removing"];

function parseRow(line: string, section: Section): Row[] {
  const [first = "", second = "", ...rest] = line.trim().split(/\s+/);
  if (first !== "replacing")
    return rest[0] ? [{ section, name: first, arch: second, version: withoutZeroEpoch(rest[0]) }] : [];
  // dnf 5: "replacing NAME ARCH VERSION REPOSITORY SIZE"; dnf 4: "replacing NAME.ARCH VERSION".
  const [arch = "", version = ""] = rest;
  if (version) return [{ section: "replacing", name: second, arch, version: withoutZeroEpoch(version) }];
  const dot = second.lastIndexOf(".");
  return [
    { section: "replacing", name: second.slice(0, dot), arch: second.slice(dot + 1), version: withoutZeroEpoch(arch) },
  ];
}

// A row that is wider than 80 columns goes on in the next line, further to the right.
function joinWrapped(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    if (/^ {2,}(?!replacing\b)\S/.test(line) && lines.at(-1)?.startsWith(" ")) lines.push(`${lines.pop()}${line}`);
    else lines.push(line);
  }
  return lines;
}
