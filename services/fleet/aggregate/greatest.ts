// The greatest values of a field with their rows and hosts. Keeping the first entries of one total order is an exact merge: an entry among the
// first of all is among the first of every part.
import { compareText } from "./hash.js";
import { addHosts, copyHostSet, type HostSet } from "./host-set.js";
import { type KeyPart, rowId } from "./read-answer.js";

/** Entries kept. */
export const greatestCount = 50;

/** One row and value, and who has it. */
export interface GreatestEntry {
  readonly key: readonly KeyPart[];
  readonly value: number;
  readonly hosts: HostSet;
}

/** Entries by row and value; see addGreatest. */
export type Greatest = Map<string, GreatestEntry>;

/** Adds hosts that have this value in this row; each host at most once for one row and value. */
export function addGreatest(greatest: Greatest, key: readonly KeyPart[], value: number, hosts: HostSet): void {
  const id = `${value} ${rowId(key)}`;
  const known = greatest.get(id);
  if (known) addHosts(known.hosts, hosts);
  else greatest.set(id, { key, value, hosts: copyHostSet(hosts) });
  // Four times as many before sorting, so that sorting is rare.
  if (greatest.size > greatestCount * 4) prune(greatest);
}

/** Adds other entries. */
export function mergeGreatest(greatest: Greatest, other: Greatest): void {
  for (const entry of other.values()) addGreatest(greatest, entry.key, entry.value, entry.hosts);
}

/** The greatest entries, greatest first. */
export function greatestOf(greatest: Greatest): GreatestEntry[] {
  return [...greatest.values()]
    .sort((a, b) => b.value - a.value || compareText(rowId(a.key), rowId(b.key)))
    .slice(0, greatestCount);
}

function prune(greatest: Greatest): void {
  const kept = new Set(greatestOf(greatest));
  for (const [id, entry] of greatest) if (!kept.has(entry)) greatest.delete(id);
}
