// Installing, removing and updating packages: one way for all, on whichever package manager the host has.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ProgramOutputSchema } from "../../../gen/systemsmanager/mutation/v1/change_pb.js";
import { ErrorReason, errorDetailOf, failure } from "../../../shared/errors.js";
import type { TailText } from "../output-tail.js";
import type { InstalledPackage, PackageAction, PackageManager, PackagePlan } from "../packages/package-manager.js";
import { protectedPackage, unknownPackage } from "../packages/run-manager.js";
import { applyPlan, type ChangeInit, diffPackages } from "./diff-packages.js";
import { type LockWait, waitForLock } from "./wait-for-lock.js";

/** What a change of packages gives back. */
export interface PackageChanges {
  readonly changes: ChangeInit[];
  readonly dryRun: boolean;
  readonly output: MessageInitShape<typeof ProgramOutputSchema>;
}

export interface ChangeOptions {
  readonly dryRun: boolean;
  /** Read the repositories' metadata first. */
  readonly refresh?: boolean;
  readonly lockWait: LockWait;
  readonly signal: AbortSignal;
}

/** Plans an action and, unless it is a dry run, carries it out. The changes of a commit are read from the database afterwards. */
export async function changePackages(
  manager: PackageManager,
  action: PackageAction,
  options: ChangeOptions,
): Promise<PackageChanges> {
  const { signal, lockWait, dryRun } = options;
  if (options.refresh) await waitForLock(lockWait, signal, () => manager.apply({ kind: "refresh" }, signal));
  const before = await manager.listInstalled(signal);
  const todo = withoutInstalled(action, before);
  requireInstalled(todo, before);
  if (todo.kind === "remove") refuseVital(manager, todo.names);
  if (isEmpty(todo)) return { changes: [], dryRun, output: {} };
  const plan = await waitForLock(lockWait, signal, () => manager.plan(todo, signal));
  requireFound(todo, plan, before);
  refuseHarm(manager, todo, plan, before);
  const planned = await differences(manager, before, applyPlan(before, plan), signal);
  if (dryRun || planned.length === 0) return { changes: planned, dryRun, output: toProto(plan.output) };
  const output = await applyAndExplain(manager, todo, before, options);
  const changes = await differences(manager, before, await manager.listInstalled(signal), signal);
  return { changes, dryRun, output: toProto(output) };
}

function differences(
  manager: PackageManager,
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
  signal: AbortSignal,
) {
  return diffPackages(before, after, (first, second) => manager.compareVersions(first, second, signal));
}

// What is installed stays as it is, unless another version is asked for: upgrading is UpdatePackages.
function withoutInstalled(action: PackageAction, before: readonly InstalledPackage[]): PackageAction {
  if (action.kind !== "install") return action;
  const installed = installedNames(before);
  return { ...action, packages: action.packages.filter(({ name, version }) => version || !installed.has(name)) };
}

function isEmpty(action: PackageAction): boolean {
  return action.kind === "install" && action.packages.length === 0;
}

function requireInstalled(action: PackageAction, before: readonly InstalledPackage[]): void {
  if (action.kind !== "remove" && action.kind !== "update") return;
  const installed = installedNames(before);
  const missing = action.names.find((name) => !installed.has(name));
  if (missing) throw unknownPackage(missing, "installed");
}

// A manager may find something else by a name: a group, a provider, a package by its beginning. What was not named is not installed.
function requireFound(action: PackageAction, plan: PackagePlan, before: readonly InstalledPackage[]): void {
  if (action.kind !== "install") return;
  const found = installedNames([...before, ...plan.added]);
  const missing = action.packages.find(({ name }) => !found.has(name));
  if (missing) throw unknownPackage(missing.name, "in the repositories");
}

// Names as a manager takes them: plain, or with the architecture.
function installedNames(before: readonly InstalledPackage[]): Set<string> {
  const present = before.filter(({ configurationOnly }) => !configurationOnly);
  return new Set(present.flatMap(({ name, arch }) => [name, `${name}:${arch}`, `${name}.${arch}`]));
}

function refuseVital({ traits }: PackageManager, lost: readonly string[]): void {
  const vital = lost.find((name) => traits.vitalPackages.includes(name));
  if (vital) throw protectedPackage(vital);
}

function refuseHarm(
  manager: PackageManager,
  action: PackageAction,
  { removed, added }: PackagePlan,
  before: readonly InstalledPackage[],
): void {
  const replaced = new Set(added.map(({ name }) => name));
  const lost = removed.filter(({ name, configurationOnly }) => !configurationOnly && !replaced.has(name));
  refuseVital(
    manager,
    lost.map(({ name }) => name),
  );
  // Without its repositories' metadata a host has orphans only.
  if (action.kind !== "remove-orphaned" || lost.length <= before.length / 2) return;
  throw failure(ErrorReason.CHANGE_REFUSED, `${lost.length} of ${before.length} packages are in no repository`, {
    metadata: { subject: manager.traits.name, rule: "most packages are in no repository" },
    remedy: "refresh the repositories' metadata first",
  });
}

async function applyAndExplain(
  manager: PackageManager,
  action: PackageAction,
  before: readonly InstalledPackage[],
  { lockWait, signal }: ChangeOptions,
): Promise<TailText> {
  try {
    return await waitForLock(lockWait, signal, () => manager.apply(action, signal));
  } catch (error) {
    throw await withChangesSoFar(error, manager, before);
  }
}

// A failed change may have changed something; who reads the error must know what.
async function withChangesSoFar(
  error: unknown,
  manager: PackageManager,
  before: readonly InstalledPackage[],
): Promise<unknown> {
  const { reason, metadata } = errorDetailOf(error);
  if (reason !== ErrorReason.COMMAND_FAILED) return error;
  const signal = AbortSignal.timeout(10_000);
  const changes = await differences(manager, before, await manager.listInstalled(signal), signal);
  const changed = changes.map(({ subject, from, to }) => `${subject} ${from || "-"} ${to || "-"}`).join(", ");
  return failure(
    reason,
    `${manager.traits.name} failed with exit code ${metadata.exit_code}, ${changes.length} packages changed`,
    {
      metadata: { ...metadata, changed },
      remedy: "the error's metadata has the end of what it wrote and what changed before",
      cause: error,
    },
  );
}

function toProto({ text, cutBytes }: TailText): MessageInitShape<typeof ProgramOutputSchema> {
  return { text, cutBytes: BigInt(cutBytes) };
}
