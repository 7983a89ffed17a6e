// One row over all hosts: who has it, and what they say of it.
import { compareText } from "./hash.js";
import { addHosts, copyHostSet, emptyHostSet, type HostSet } from "./host-set.js";
import { addNumbers, emptyNumbers, mergeNumbers, type NumberState } from "./number-state.js";
import type { Leaf } from "./plan.js";
import type { KeyPart, RowFacts } from "./read-answer.js";
import { addSample, type SampleEntry } from "./samples.js";

/** The values that a host has for one field of one row, distinct and sorted; none when it tells nothing. */
export interface GroupValue {
  readonly elements: readonly string[];
  readonly hosts: HostSet;
}

/** One row over all hosts. */
export interface Row {
  readonly key: readonly KeyPart[];
  readonly hosts: HostSet;
  /** Sources with the row, as runs: first, one after the last, first, ... */
  readonly present: number[];
  readonly groups: Map<Leaf, Map<string, GroupValue>>;
  readonly numbers: Map<Leaf, NumberState>;
  readonly samples: Map<Leaf, SampleEntry[]>;
}

/** A row that no host has yet. */
export function emptyRow(key: readonly KeyPart[]): Row {
  return { key, hosts: emptyHostSet(), present: [], groups: new Map(), numbers: new Map(), samples: new Map() };
}

/** What a row weighs in memory: four for itself and one for each distinct value; a distribution counts its bins. */
export function weighRow(row: Row): number {
  let weight = 4;
  for (const values of row.groups.values()) weight += values.size;
  for (const { distribution } of row.numbers.values())
    weight += distribution.positive.size + distribution.negative.size;
  return weight;
}

/** Adds what one answer says of the row. */
export function addFacts(row: Row, facts: RowFacts, source: number, hosts: HostSet): void {
  addHosts(row.hosts, hosts);
  appendRun(row.present, source, source + 1);
  for (const leaf of facts.scope.groups) {
    const elements = [...(facts.groups.get(leaf) ?? [])].sort(compareText);
    addGroup(groupsOf(row, leaf), elements, hosts);
  }
  for (const [leaf, values] of facts.samples) {
    for (const value of values)
      addSample(
        getOrSet(row.samples, leaf, () => []),
        value,
        hosts.names[0] ?? "",
      );
  }
  for (const [leaf, values] of facts.numbers)
    addNumbers(getOrSet(row.numbers, leaf, emptyNumbers), leaf, values, hosts);
}

/** Folds another row of the same key in; its sources come after the row's own (see shiftRow). */
export function mergeRow(row: Row, other: Row): void {
  addHosts(row.hosts, other.hosts);
  for (let index = 0; index < other.present.length; index += 2) {
    appendRun(row.present, other.present[index] as number, other.present[index + 1] as number);
  }
  for (const [leaf, values] of other.groups) {
    for (const value of values.values()) addGroup(groupsOf(row, leaf), value.elements, value.hosts);
  }
  for (const [leaf, added] of other.numbers) mergeNumbers(getOrSet(row.numbers, leaf, emptyNumbers), added);
  for (const [leaf, added] of other.samples) {
    for (const sample of added)
      addSample(
        getOrSet(row.samples, leaf, () => []),
        sample.value,
        sample.host,
      );
  }
}

/** Moves the row's sources, before its aggregate is merged into one that has so many sources already. */
export function shiftRow(row: Row, offset: number): void {
  for (let index = 0; index < row.present.length; index++) row.present[index] = (row.present[index] as number) + offset;
}

function groupsOf(row: Row, leaf: Leaf): Map<string, GroupValue> {
  return getOrSet(row.groups, leaf, () => new Map());
}

function addGroup(groups: Map<string, GroupValue>, elements: readonly string[], hosts: HostSet): void {
  // The number of elements tells no value from one empty value.
  const id = elements.length === 1 ? `1${elements[0]}` : `${elements.length}\u0000${elements.join("\u0000")}`;
  const known = groups.get(id);
  if (known) addHosts(known.hosts, hosts);
  else groups.set(id, { elements, hosts: copyHostSet(hosts) });
}

function appendRun(runs: number[], start: number, end: number): void {
  if (runs.at(-1) === start) runs[runs.length - 1] = end;
  else runs.push(start, end);
}

/** The value of the key, made and set first if there is none. */
export function getOrSet<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
