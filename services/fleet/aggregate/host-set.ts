// A set of hosts in bounded memory: how many, a few by name, and a fingerprint that tells equal sets apart from others.
import { compareText, hashText } from "./hash.js";

/** Hosts named as examples. */
export const exemplarCount = 5;

/** Merging two disjoint sets is associative and commutative in every field. */
export interface HostSet {
  count: number;
  /** The smallest names, sorted, at most exemplarCount. Never changed in place. */
  names: readonly string[];
  /** Exclusive or of the names' hashes, in two halves: equal for equal sets. */
  high: number;
  low: number;
}

/** The set of these hosts. */
export function hostSetOf(hosts: readonly string[]): HostSet {
  const set: HostSet = { ...emptyHostSet(), count: hosts.length };
  const names: string[] = [];
  for (const host of hosts) {
    const hash = hashText(host);
    set.high ^= Math.floor(hash / 0x1_0000_0000);
    set.low ^= hash | 0;
    insertSmallest(names, host);
  }
  set.names = names;
  return set;
}

/** No hosts, to add to. */
export function emptyHostSet(): HostSet {
  return { count: 0, names: [], high: 0, low: 0 };
}

/** A set that can be added to without changing the given one. */
export function copyHostSet(set: HostSet): HostSet {
  return { count: set.count, names: set.names, high: set.high, low: set.low };
}

/** Adds a set that has no host in common with the target. */
export function addHosts(target: HostSet, added: HostSet): void {
  target.count += added.count;
  target.high ^= added.high;
  target.low ^= added.low;
  target.names = mergeNames(target.names, added.names);
}

/** Tells sets of hosts apart: the same text for the same hosts. */
export function fingerprintOf(set: HostSet): string {
  return `${set.count}:${set.high >>> 0}:${set.low >>> 0}`;
}

function mergeNames(left: readonly string[], right: readonly string[]): readonly string[] {
  const last = left.at(-1);
  const first = right[0];
  if (first === undefined) return left;
  if (last !== undefined && left.length === exemplarCount && last <= first) return left;
  return [...left, ...right].sort(compareText).slice(0, exemplarCount);
}

function insertSmallest(names: string[], host: string): void {
  const last = names.at(-1);
  if (names.length === exemplarCount && last !== undefined && last <= host) return;
  const position = names.findIndex((name) => host < name);
  names.splice(position < 0 ? names.length : position, 0, host);
  if (names.length > exemplarCount) names.pop();
}
