// What is computed of a frozen set of targets, once per set: runs on the same hosts share the set and so all of this.
import { buildTargetTree, encodeHostIds, type TargetTree } from "../../identity/target-tree.js";
import type { Inventory } from "../inventory/inventory.js";
import type { CommandRecord, TargetHost } from "./run-record.js";

/** Smaller sets are not worth keeping. */
const minKept = 64;
const lastFrozen = new WeakMap<Inventory, readonly TargetHost[]>();

/** These hosts as the targets of a run. Asked again for the hosts of the last large set it gives that very set. */
export function freezeTargets(inventory: Inventory, hosts: readonly TargetHost[]): readonly TargetHost[] {
  const last = lastFrozen.get(inventory);
  if (last && isSameSet(last, hosts)) return last;
  const targets = hosts.map(({ hostId, name }) => ({ hostId, name }));
  if (targets.length >= minKept) lastFrozen.set(inventory, targets);
  return targets;
}

/** Each target's index, by host id. */
export const targetIndexes: (targets: readonly TargetHost[]) => ReadonlyMap<string, number> = oncePerSet(
  (targets) => new Map(targets.map((target, index) => [target.hostId, index])),
);

/** The ids of the targets as a command lists them. */
export const targetIds: (targets: readonly TargetHost[]) => Uint8Array = oncePerSet((targets) =>
  encodeHostIds(targets.map((target) => target.hostId)),
);

/** The tree that a command to these targets signs. */
export const targetTree: (targets: readonly TargetHost[]) => TargetTree = oncePerSet((targets) =>
  buildTargetTree(targetIds(targets)),
);

/** The targets as a run's subject is stored: ids have one length, names contain no space. */
export const packedTargets: (targets: readonly TargetHost[]) => PackedTargets = oncePerSet((targets) => ({
  hostIds: targets.map((target) => target.hostId).join(""),
  names: targets.map((target) => target.name).join(" "),
}));

export interface PackedTargets {
  readonly hostIds: string;
  readonly names: string;
}

/** The targets of one command; the very set when they are all. */
export function targetsOf(targets: readonly TargetHost[], { spans }: CommandRecord): readonly TargetHost[] {
  const [first, end] = spans;
  if (spans.length === 2) return first === 0 && end === targets.length ? targets : targets.slice(first, end);
  const chosen: TargetHost[] = [];
  for (let at = 0; at < spans.length; at += 2) chosen.push(...targets.slice(spans[at], spans[at + 1]));
  return chosen;
}

function isSameSet(known: readonly TargetHost[], hosts: readonly TargetHost[]): boolean {
  if (known.length !== hosts.length) return false;
  return known.every((target, index) => target.hostId === hosts[index]?.hostId && target.name === hosts[index]?.name);
}

function oncePerSet<Value>(compute: (targets: readonly TargetHost[]) => Value) {
  const known = new WeakMap<readonly TargetHost[], { readonly value: Value }>();
  return (targets: readonly TargetHost[]): Value => {
    const former = known.get(targets);
    if (former) return former.value;
    const value = compute(targets);
    known.set(targets, { value });
    return value;
  };
}
