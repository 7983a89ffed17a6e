// What an aggregate says of groups: majorities, fields without one, and deviations.
import type { Aggregate, ScopeState } from "../aggregate/aggregate.js";
import { compareText } from "../aggregate/hash.js";
import { addHosts, emptyHostSet, type HostSet } from "../aggregate/host-set.js";
import type { Leaf } from "../aggregate/plan.js";
import { rowId } from "../aggregate/read-answer.js";
import type { GroupValue, Row } from "../aggregate/row.js";
import { weighRareRows } from "./rare-rows.js";
import { absent, isAlarming, present, type Statement, surpriseBits } from "./statement.js";

/** A field that no value has on more than half of the hosts. */
export interface Split {
  readonly row: Row;
  readonly leaf: Leaf;
  /** All values, most frequent first. */
  readonly statements: readonly Statement[];
}

/** All statements about groups, in a fixed order. */
export interface Statements {
  /** Values that more than half of the hosts have. */
  readonly majority: Statement[];
  readonly splits: Split[];
  readonly deviations: Statement[];
  /** Rows that more than half of the hosts lack, with what they are. */
  readonly rareRows: Map<Row, Statement[]>;
}

/** Rarer than a tenth of the most frequent value is a deviation even where no value has a majority. */
const rareShare = 10;

/** Finds them. */
export function findStatements(aggregate: Aggregate): Statements {
  const statements: Statements = { majority: [], splits: [], deviations: [], rareRows: new Map() };
  const everyone = emptyHostSet();
  for (const source of aggregate.sources) addHosts(everyone, source);
  for (const state of aggregate.scopes) {
    const rows = state.rows.entries().sort((a, b) => compareText(a[0], b[0]));
    for (const [, row] of rows) {
      const isRare = findPresence(statements, aggregate, state, row, everyone);
      findValues(statements, state, row, isRare);
    }
  }
  return { ...statements, deviations: weighRareRows(statements.deviations, everyone.count) };
}

// True when the row itself is the deviation; what it says is then told with it.
function findPresence(
  statements: Statements,
  aggregate: Aggregate,
  { scope }: ScopeState,
  row: Row,
  everyone: HostSet,
): boolean {
  if (!scope.keyed || scope.varies) return false;
  const base = { scope, row, ofHosts: everyone.count, alarming: false };
  const having = { ...base, elements: present, hosts: row.hosts, bits: surpriseBits(row.hosts.count, everyone.count) };
  if (row.hosts.count === everyone.count) {
    if (scope.groups.length === 0) statements.majority.push(having);
    return false;
  }
  if (row.hosts.count * 2 > everyone.count) {
    const missing = hostsWithout(aggregate, row);
    const bits = surpriseBits(missing.count, everyone.count);
    statements.deviations.push({
      ...base,
      elements: absent,
      hosts: missing,
      bits,
      majority: present,
      restAgrees: true,
    });
    if (scope.groups.length === 0) statements.majority.push(having);
    return false;
  }
  const alarming = [...row.groups].some(([leaf, values]) =>
    [...values.values()].some(({ elements }) => isAlarming(leaf, elements)),
  );
  const majority = row.hosts.count * 2 < everyone.count ? { majority: absent, restAgrees: true } : {};
  statements.deviations.push({ ...having, alarming, ...majority });
  statements.rareRows.set(row, []);
  return true;
}

function findValues(statements: Statements, { scope }: ScopeState, row: Row, isRare: boolean): void {
  for (const [leaf, values] of row.groups) {
    const all = sortedValues(values).map(({ elements, hosts }): Statement => {
      const bits = surpriseBits(hosts.count, row.hosts.count);
      return {
        scope,
        row,
        leaf,
        elements,
        hosts,
        ofHosts: row.hosts.count,
        bits,
        alarming: isAlarming(leaf, elements),
      };
    });
    const [first] = all;
    if (!first || all.every(({ elements }) => elements.length === 0)) continue;
    if (first.hosts.count * 2 > first.ofHosts) addMajority(statements, first, all, isRare);
    else addSplit(statements, { row, leaf, statements: all });
  }
}

function addMajority(statements: Statements, first: Statement, all: readonly Statement[], isRare: boolean): void {
  if (isRare) statements.rareRows.get(first.row)?.push(first);
  else statements.majority.push(first);
  for (const statement of all.slice(1)) {
    statements.deviations.push({ ...statement, majority: first.elements, restAgrees: all.length === 2 });
  }
}

function addSplit(statements: Statements, split: Split): void {
  statements.splits.push(split);
  const most = split.statements[0]?.hosts.count ?? 0;
  for (const statement of split.statements) {
    if (statement.alarming || statement.hosts.count * rareShare <= most) statements.deviations.push(statement);
  }
}

function sortedValues(values: ReadonlyMap<string, GroupValue>): GroupValue[] {
  return [...values.values()].sort((a, b) => b.hosts.count - a.hosts.count || compareText(rowIdOf(a), rowIdOf(b)));
}

function rowIdOf(value: GroupValue): string {
  return `${value.elements.length}${value.elements.join("\u0000")}`;
}

// Hosts that answered and lack the row: the gaps between its runs of sources.
function hostsWithout(aggregate: Aggregate, row: Row): HostSet {
  const missing = emptyHostSet();
  let position = 0;
  for (let index = 0; index <= row.present.length; index += 2) {
    const start = row.present[index] ?? aggregate.sources.length;
    for (; position < start; position++) addHosts(missing, aggregate.sources[position] as HostSet);
    position = row.present[index + 1] ?? aggregate.sources.length;
  }
  return missing;
}

/** Names a row of a scope, for grouping. */
export function scopeRowId(statement: Statement): string {
  return `${statement.scope.index}\u0000${rowId(statement.row.key)}`;
}
