// Text of zypper: its XML, and the tables that it gives in no other form.
import type { PackagePlan, PackageUpgrade, PlannedRemoval } from "./package-manager.js";
import { withoutZeroEpoch } from "./rpm-database.js";

/** `zypper --xmlout list-updates`: one update element for each package. */
export function parseZypperUpdates(xml: string): PackageUpgrade[] {
  return elements(xml, "update")
    .filter((update) => update.kind === "package")
    .map(({ name = "", edition = "", arch = "" }) => ({ name, arch, version: withoutZeroEpoch(edition) }));
}

/** `zypper --xmlout install --dry-run`: an install-summary with one list for each kind of change. */
export function parseZypperSummary(xml: string): Omit<PackagePlan, "output"> {
  const removed: PlannedRemoval[] = [];
  const added: PackageUpgrade[] = [];
  for (const [, kind = "", list = ""] of xml.matchAll(/<(to-[a-z-]+)>(.*?)<\/\1>/gs)) {
    for (const solvable of elements(list, "solvable")) {
      if (solvable.type !== "package") continue;
      const { name = "", edition = "", arch = "", "edition-old": old, "arch-old": oldArch = arch } = solvable;
      if (kind === "to-remove") removed.push({ name, version: withoutZeroEpoch(edition), arches: [arch] });
      else added.push({ name, version: withoutZeroEpoch(edition), arch });
      if (old) removed.push({ name, version: withoutZeroEpoch(old), arches: [oldArch] });
    }
  }
  return { removed, added };
}

/** `zypper packages`: a table with the columns Name and Version. */
export function parseZypperTable(text: string): string[] {
  const rows = text
    .split("\n")
    .filter((line) => line.includes(" | "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const column = rows[0]?.indexOf("Name") ?? -1;
  return column < 0 ? [] : [...new Set(rows.slice(1).map((row) => row[column] ?? ""))];
}

function elements(xml: string, tag: string): Record<string, string>[] {
  return [...xml.matchAll(new RegExp(`<${tag}\\s([^>]*?)/?>`, "g"))].map(([, attributes = ""]) =>
    Object.fromEntries(
      [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, decode(value)]),
    ),
  );
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function decode(value: string): string {
  return value.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);
}
