// Answers of one operation, reduced. Adding and merging give the same content in any order, any split and any tree of merges, so daemons,
// relays and the control plane can each do a part. Memory is bounded: see BoundedTable for what falls to a bound, and how it is counted.
//
// Besides the bounded tables an aggregate keeps a few words for each distinct answer it was given (a source), for each run of sources that has
// a row, and for each source and masked log line. That is linear in the answers, and far smaller than they are.
import type { MessageShape } from "@bufbuild/protobuf";
import { Reduction } from "../../gen/systemsmanager/options/v1/options_pb.js";
import { BoundedTable } from "./bounded-table.js";
import { addGreatest, type Greatest, mergeGreatest } from "./greatest.js";
import { addHosts, emptyHostSet, type HostSet, hostSetOf } from "./host-set.js";
import { addNumbers, emptyNumbers, mergeNumbers, type NumberState } from "./number-state.js";
import type { Leaf, Plan, Scope } from "./plan.js";
import { type AnswerFacts, readAnswer, rowId } from "./read-answer.js";
import { addFacts, emptyRow, mergeRow, type Row, shiftRow, weighRow } from "./row.js";
import { addLines, emptyLineTable, type LineTable, mergeLines } from "./templates/line-table.js";

/** Rows and distinct values kept of each list. */
const rowWeightLimit = 200_000;
/** Distinct values kept of each counted field. */
const countLimit = 20_000;

/** Occurrences of one value. */
export interface ValueCount {
  count: number;
  readonly hosts: HostSet;
}

/** Rows of one list over all hosts. */
export interface ScopeState {
  readonly scope: Scope;
  readonly rows: BoundedTable<Row>;
  /** Rows of hosts that fell to the bound. */
  lost: { count: number };
}

/** What is kept of one field whatever the row. */
export interface LeafState {
  readonly leaf: Leaf;
  readonly counts: BoundedTable<ValueCount>;
  readonly lostCounts: { count: number };
  readonly greatest: Greatest;
  readonly lines: LineTable;
  /** Over all rows. */
  readonly numbers: NumberState;
}

/** An aggregate of one operation's answers. */
export class Aggregate {
  readonly plan: Plan;
  /** The hosts of each answer added. */
  readonly sources: HostSet[] = [];
  readonly scopes: readonly ScopeState[];
  readonly leaves: readonly LeafState[];
  /** Values that are no finite numbers where numbers are reduced. */
  unusable = 0;

  constructor(plan: Plan) {
    this.plan = plan;
    this.scopes = plan.scopes.map(emptyScope);
    this.leaves = plan.leaves.map(emptyLeaf);
  }

  /** Adds one answer for every host that gave it. No host may be added twice. */
  add(message: MessageShape<Plan["descriptor"]>, hosts: readonly string[]): void {
    if (hosts.length === 0) return;
    const source = this.sources.length;
    const set = hostSetOf(hosts);
    this.sources.push(set);
    const facts = readAnswer(this.plan, message);
    this.unusable += facts.unusable * hosts.length;
    this.#addRows(facts, source, set);
    for (const [leaf, counts] of facts.counts) addCounts(this.#leaf(leaf), counts, set);
    for (const [leaf, values] of facts.numbers) addNumbers(this.#leaf(leaf).numbers, leaf, values, set);
    for (const [leaf, lines] of facts.lines) addLines(this.#leaf(leaf).lines, lines, source, set.count);
  }

  /** Folds another aggregate of the same plan in; the other one is used up. */
  merge(other: Aggregate): void {
    const offset = this.sources.length;
    for (const source of other.sources) this.sources.push(source);
    this.unusable += other.unusable;
    for (const [index, state] of this.scopes.entries()) {
      const added = other.scopes[index] as ScopeState;
      for (const [, row] of added.rows.entries()) shiftRow(row, offset);
      state.rows.merge(added.rows);
      state.lost.count += added.lost.count;
    }
    for (const [index, state] of this.leaves.entries()) mergeLeaf(state, other.leaves[index] as LeafState, offset);
  }

  #addRows(facts: AnswerFacts, source: number, hosts: HostSet): void {
    for (const row of facts.rows.values()) {
      const state = this.scopes[row.scope.index] as ScopeState;
      const id = rowId(row.key);
      state.rows.update(
        id,
        () => emptyRow(row.key),
        (known) => addFacts(known, row, source, hosts),
        () => {
          state.lost.count += hosts.count;
        },
      );
      for (const [leaf, values] of row.numbers) {
        if (!leaf.reductions.has(Reduction.TOP)) continue;
        for (const value of new Set(values.map(Number))) addGreatest(this.#leaf(leaf).greatest, row.key, value, hosts);
      }
    }
  }

  #leaf(leaf: Leaf): LeafState {
    return this.leaves[leaf.index] as LeafState;
  }
}

function addCounts(state: LeafState, counts: ReadonlyMap<string, number>, hosts: HostSet): void {
  for (const [value, times] of counts) {
    state.counts.update(
      value,
      () => ({ count: 0, hosts: emptyHostSet() }),
      (known) => addCount(known, { count: times * hosts.count, hosts }),
    );
  }
}

function addCount(target: ValueCount, added: ValueCount): void {
  target.count += added.count;
  addHosts(target.hosts, added.hosts);
}

function mergeLeaf(state: LeafState, other: LeafState, offset: number): void {
  state.counts.merge(other.counts);
  state.lostCounts.count += other.lostCounts.count;
  mergeGreatest(state.greatest, other.greatest);
  mergeLines(state.lines, other.lines, offset);
  mergeNumbers(state.numbers, other.numbers);
}

function emptyScope(scope: Scope): ScopeState {
  const lost = { count: 0 };
  const rows = new BoundedTable<Row>(rowWeightLimit, {
    weigh: weighRow,
    merge: mergeRow,
    onEvict: (row) => {
      lost.count += row.hosts.count;
    },
  });
  return { scope, rows, lost };
}

function emptyLeaf(leaf: Leaf): LeafState {
  const lostCounts = { count: 0 };
  const counts = new BoundedTable<ValueCount>(countLimit, {
    weigh: () => 1,
    merge: addCount,
    onEvict: (value) => {
      lostCounts.count += value.count;
    },
  });
  return { leaf, counts, lostCounts, greatest: new Map(), lines: emptyLineTable(), numbers: emptyNumbers() };
}
