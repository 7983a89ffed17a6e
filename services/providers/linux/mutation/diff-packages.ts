// What differs between two states of a package database. A dry run compares the present state with the planned one, a commit the
// states before and after: so both tell a change in the same words.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ChangeKind, type ChangeSchema } from "../../../gen/systemsmanager/mutation/v1/change_pb.js";
import type { InstalledPackage, PackagePlan } from "../packages/package-manager.js";

export type ChangeInit = MessageInitShape<typeof ChangeSchema>;

/** Negative when the first version is older. */
export type CompareVersions = (first: string, second: string) => Promise<number>;

/** The database as it would be after the plan. */
export function applyPlan(before: readonly InstalledPackage[], plan: PackagePlan): InstalledPackage[] {
  const stays = (installed: InstalledPackage) =>
    !plan.removed.some(
      ({ name, version, arches, configurationOnly = false }) =>
        name === installed.name &&
        (version === "" || version === installed.version) &&
        configurationOnly === (installed.configurationOnly ?? false) &&
        (arches.length === 0 || arches.includes(installed.arch)),
    );
  return [...before.filter(stays), ...plan.added];
}

/** Changes in the order of their subjects. */
export async function diffPackages(
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
  compareVersions: CompareVersions,
): Promise<ChangeInit[]> {
  const changes: ChangeInit[] = [];
  const groups = groupByName(before, after);
  for (const name of [...groups.keys()].sort()) {
    const group = groups.get(name) as Group;
    changes.push(...(await diffGroup(name, group, compareVersions)));
  }
  return changes;
}

interface Group {
  readonly before: InstalledPackage[];
  readonly after: InstalledPackage[];
}

function groupByName(before: readonly InstalledPackage[], after: readonly InstalledPackage[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  const groupOf = (name: string) => {
    const group = groups.get(name) ?? { before: [], after: [] };
    groups.set(name, group);
    return group;
  };
  for (const installed of before) groupOf(installed.name).before.push(installed);
  for (const installed of after) groupOf(installed.name).after.push(installed);
  return groups;
}

async function diffGroup(
  name: string,
  { before, after }: Group,
  compareVersions: CompareVersions,
): Promise<ChangeInit[]> {
  const arches = new Set([...before, ...after].map(({ arch }) => arch).filter((arch) => arch !== ""));
  const subjectOf = ({ arch }: InstalledPackage) => (arches.size > 1 && arch !== "" ? `${name}:${arch}` : name);
  const removed = before.filter((old) => !old.configurationOnly && !after.some((kept) => isSame(old, kept)));
  const added = after.filter((kept) => !kept.configurationOnly && !before.some((old) => isSame(old, kept)));
  const changes: ChangeInit[] = [];
  for (const old of removed) {
    const successor = takeSuccessor(old, added);
    const subject = subjectOf(successor ?? old);
    if (!successor) changes.push({ subject, kind: ChangeKind.REMOVE, from: old.version, to: "" });
    else
      changes.push({
        subject,
        kind: await kindOf(old, successor, compareVersions),
        from: old.version,
        to: successor.version,
      });
  }
  for (const fresh of added)
    changes.push({ subject: subjectOf(fresh), kind: ChangeKind.INSTALL, from: "", to: fresh.version });
  return [...changes, ...cleanedConfigurations(before, after, subjectOf)];
}

function isSame(a: InstalledPackage, b: InstalledPackage): boolean {
  const sameArch = a.arch === b.arch || a.arch === "" || b.arch === "";
  return !a.configurationOnly && !b.configurationOnly && sameArch && a.version === b.version;
}

// The added package that takes its place: of the same architecture, else of any.
function takeSuccessor(old: InstalledPackage, added: InstalledPackage[]): InstalledPackage | undefined {
  const sameArch = added.findIndex(({ arch }) => arch === old.arch);
  const index = sameArch >= 0 ? sameArch : added.length - 1;
  return index >= 0 ? added.splice(index, 1)[0] : undefined;
}

async function kindOf(
  old: InstalledPackage,
  fresh: InstalledPackage,
  compareVersions: CompareVersions,
): Promise<ChangeKind> {
  const order = await compareVersions(old.version, fresh.version);
  if (order === 0) return ChangeKind.REINSTALL;
  return order < 0 ? ChangeKind.UPGRADE : ChangeKind.DOWNGRADE;
}

function cleanedConfigurations(
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
  subjectOf: (installed: InstalledPackage) => string,
): ChangeInit[] {
  const cleaned = before.filter(
    ({ configurationOnly, arch }) => configurationOnly && !after.some((kept) => kept.arch === arch),
  );
  return cleaned.map((old) => ({ subject: subjectOf(old), kind: ChangeKind.CLEAN, from: old.version, to: "" }));
}
