// Optimize: frees disk space, and says how much by measuring the files before and after.
import { ChangeKind } from "../../../gen/systemsmanager/mutation/v1/change_pb.js";
import { OptimizeScope } from "../../../gen/systemsmanager/mutation/v1/package_pb.js";
import { OutputTail } from "../output-tail.js";
import type { PackageAction, PackageManager } from "../packages/package-manager.js";
import { readProgram } from "../run-program.js";
import { type ChangeOptions, changePackages, type PackageChanges } from "./change-packages.js";
import type { ChangeInit } from "./diff-packages.js";
import { findFiles, measureFiles } from "./measure-files.js";
import { waitForLock } from "./wait-for-lock.js";

/** What one scope, or all of them, freed. */
interface Freed {
  readonly changes: ChangeInit[];
  readonly bytes: number;
  readonly output: string;
}

const outputLimit = 16 * 1024;

// The cache is last, because the work before it may fill it.
const scopeActions: readonly [OptimizeScope, PackageAction | undefined][] = [
  [OptimizeScope.UNUSED_DEPENDENCIES, { kind: "remove-unused" }],
  [OptimizeScope.ORPHANED_PACKAGES, { kind: "remove-orphaned" }],
  [OptimizeScope.PACKAGE_CACHE, undefined],
];

/** Frees what the scopes name; a dry run measures the same files and leaves them. */
export async function optimize(manager: PackageManager, scopes: readonly OptimizeScope[], options: ChangeOptions) {
  const changes: ChangeInit[] = [];
  const output = new OutputTail(outputLimit);
  let freedBytes = 0;
  for (const [scope, action] of scopeActions) {
    if (!scopes.includes(scope)) continue;
    const freed = action ? await freePackages(manager, action, options, changes) : await freeCache(manager, options);
    changes.push(...freed.changes);
    freedBytes += freed.bytes;
    output.push(Buffer.from(freed.output));
  }
  const { text, cutBytes } = output.text();
  return {
    changes,
    dryRun: options.dryRun,
    freedBytes: BigInt(freedBytes),
    output: { text, cutBytes: BigInt(cutBytes) },
  };
}

// A package can be unused and orphaned; the dry run counts it once, as the commit finds it once.
async function freePackages(
  manager: PackageManager,
  action: PackageAction,
  options: ChangeOptions,
  earlier: readonly ChangeInit[],
): Promise<Freed> {
  const planned = await changePackages(manager, action, { ...options, dryRun: true });
  const fresh = planned.changes.filter(({ subject }) => !earlier.some((change) => change.subject === subject));
  const files = await filesOf(manager, fresh, options.signal);
  const before = await measureFiles(files);
  if (options.dryRun) return { changes: fresh, bytes: before, output: textOf(planned) };
  const done = await changePackages(manager, action, options);
  return { changes: done.changes, bytes: before - (await measureFiles(files)), output: textOf(done) };
}

function textOf({ output }: PackageChanges): string {
  return output.text ?? "";
}

async function filesOf(
  { traits }: PackageManager,
  changes: readonly ChangeInit[],
  signal: AbortSignal,
): Promise<string[]> {
  if (changes.length === 0) return [];
  const names = changes.map(({ subject = "" }) => subject);
  const listing = await readProgram(traits.listFiles.program, [...traits.listFiles.args, ...names], { signal });
  const paths = listing.split("\n").filter((path) => path.startsWith("/"));
  // Configuration stays when its package goes, unless it is what goes.
  const keepsConfiguration = traits.name === "apt" && changes.some(({ kind }) => kind !== ChangeKind.CLEAN);
  return keepsConfiguration ? paths.filter((path) => !path.startsWith("/etc/")) : paths;
}

async function freeCache(manager: PackageManager, { dryRun, signal, lockWait }: ChangeOptions): Promise<Freed> {
  const { directories, file } = manager.traits.cache;
  const changes: ChangeInit[] = [];
  const files = new Map<string, string[]>();
  for (const directory of directories) files.set(directory, await findFiles([directory], file));
  const all = [...files.values()].flat();
  const before = await measureFiles(all);
  if (all.length === 0) return { changes, bytes: 0, output: "" };
  const output = dryRun
    ? ""
    : (await waitForLock(lockWait, signal, () => manager.apply({ kind: "clean-cache" }, signal))).text;
  for (const [directory, found] of files) {
    if (found.length === 0) continue;
    const left = dryRun ? [] : await findFiles([directory], file);
    changes.push({
      subject: directory,
      kind: ChangeKind.CLEAN,
      from: "filled",
      to: left.length > 0 ? "filled" : "empty",
    });
  }
  return { changes, bytes: dryRun ? before : before - (await measureFiles(all)), output };
}
