// One answer walked by its plan: what it says of each row and field, told apart from who says it.
import { Reduction } from "../../gen/systemsmanager/options/v1/options_pb.js";
import { redactArguments } from "../../shared/redact-secrets.js";
import { cleanUntrusted } from "../../shared/untrusted-text.js";
import { maxValueLength, numberOf, textOf } from "./field-value.js";
import type { Leaf, Plan, Scope, Step } from "./plan.js";

/** One part of a row's key. */
export interface KeyPart {
  readonly text: string;
  readonly untrusted: boolean;
}

/** What an answer says of one row. */
export interface RowFacts {
  readonly scope: Scope;
  readonly key: readonly KeyPart[];
  /** Distinct values by leaf. */
  readonly groups: Map<Leaf, Set<string>>;
  readonly numbers: Map<Leaf, Array<number | bigint>>;
  readonly samples: Map<Leaf, Set<string>>;
}

/** What an answer says. */
export interface AnswerFacts {
  /** By rowId. */
  readonly rows: Map<string, RowFacts>;
  /** Occurrences of each value. */
  readonly counts: Map<Leaf, Map<string, number>>;
  readonly lines: Map<Leaf, string[]>;
  /** Numbers of all rows. */
  readonly numbers: Map<Leaf, Array<number | bigint>>;
  /** Values that are no finite numbers where numbers are reduced. */
  unusable: number;
}

interface Walk {
  readonly plan: Plan;
  readonly facts: AnswerFacts;
}

/** Reads an answer. */
export function readAnswer(plan: Plan, message: unknown): AnswerFacts {
  const facts: AnswerFacts = { rows: new Map(), counts: new Map(), lines: new Map(), numbers: new Map(), unusable: 0 };
  const walk = { plan, facts };
  const root = plan.scopes[0] as Scope;
  walkSteps(walk, plan.steps, message, openRow(walk, root, []));
  return facts;
}

/** Names a row among the rows of its scope. */
export function rowId(key: readonly KeyPart[]): string {
  return key.map((part) => part.text).join("\u0000");
}

function walkSteps(walk: Walk, steps: readonly Step[], message: unknown, row: RowFacts): void {
  for (const step of steps) {
    if (step.kind === "key") continue;
    const value = step.read(message);
    if (value === undefined || value === null) continue;
    if (step.kind === "leaf") readLeaf(walk.facts, step.leaf, value, row);
    else if (step.kind === "message") walkSteps(walk, step.steps, value, row);
    else walkRows(walk, step, value as unknown[], row);
  }
}

function walkRows(walk: Walk, step: Step & { kind: "rows" }, elements: readonly unknown[], outer: RowFacts): void {
  for (const element of elements) {
    if (!step.scope.keyed || step.scope === outer.scope) {
      const row = step.scope === outer.scope ? outer : openRow(walk, step.scope, []);
      walkSteps(walk, step.steps, element, row);
      continue;
    }
    const key = [...outer.key];
    collectKey(step.steps, element, key);
    walkSteps(walk, step.steps, element, openRow(walk, step.scope, key));
  }
}

function collectKey(steps: readonly Step[], message: unknown, key: KeyPart[]): void {
  for (const step of steps) {
    if (step.kind !== "key" && step.kind !== "message") continue;
    const value = step.read(message);
    if (value === undefined || value === null) continue;
    if (step.kind === "message") collectKey(step.steps, value, key);
    else if (!isEmptyKey(value))
      key.push({ text: textOf(value, step.value, step.untrusted), untrusted: step.untrusted });
  }
}

function isEmptyKey(value: unknown): boolean {
  return value === "" || value === 0 || value === 0n;
}

function openRow(walk: Walk, scope: Scope, key: readonly KeyPart[]): RowFacts {
  const id = `${scope.index}\u0000${rowId(key)}`;
  const known = walk.facts.rows.get(id);
  if (known) return known;
  const row: RowFacts = { scope, key, groups: new Map(), numbers: new Map(), samples: new Map() };
  walk.facts.rows.set(id, row);
  return row;
}

function readLeaf(facts: AnswerFacts, leaf: Leaf, value: unknown, row: RowFacts): void {
  const values = Array.isArray(value) ? value : [value];
  for (const reduction of leaf.reductions) {
    if (reduction === Reduction.GROUP) addAll(row.groups, leaf, textsOf(leaf, values));
    else if (reduction === Reduction.COUNT) countAll(facts, leaf, textsOf(leaf, values));
    else if (reduction === Reduction.TEMPLATE) append(facts.lines, leaf, linesOf(leaf, values));
    else if (reduction === Reduction.SAMPLE)
      addAll(row.samples, leaf, values.length > 0 ? [sampleOf(leaf, values)] : []);
  }
  if (reducesNumbers(leaf)) readNumbers(facts, leaf, values, row);
}

function readNumbers(facts: AnswerFacts, leaf: Leaf, values: readonly unknown[], row: RowFacts): void {
  const numbers = values.map((value) => numberOf(value, leaf.kind)).filter((number) => number !== undefined);
  facts.unusable += values.length - numbers.length;
  append(row.numbers, leaf, numbers);
  append(facts.numbers, leaf, numbers);
}

/** True when the leaf has a reduction of numbers. */
function reducesNumbers(leaf: Leaf): boolean {
  return [Reduction.SUM, Reduction.QUANTILES, Reduction.TOP].some((reduction) => leaf.reductions.has(reduction));
}

function textsOf(leaf: Leaf, values: readonly unknown[]): string[] {
  return values.map((value) => textOf(value, leaf.kind, leaf.untrusted));
}

// A line is masked and templated whole; it is capped where it is shown.
function linesOf(leaf: Leaf, values: readonly unknown[]): string[] {
  return values.map((value) =>
    typeof value === "string" ? cleanUntrusted(value, 1_024) : textOf(value, leaf.kind, true),
  );
}

// A list is one sample: a command line is read as a whole.
function sampleOf(leaf: Leaf, values: readonly unknown[]): string {
  if (!values.every((value) => typeof value === "string")) return textsOf(leaf, values).join(" ");
  const words = redactArguments(values).map((word) => (/^[\w@%+=:,./[\]-]+$/.test(word) ? word : JSON.stringify(word)));
  return cleanUntrusted(values.length === 1 ? (values[0] ?? "") : words.join(" "), maxValueLength);
}

function addAll(target: Map<Leaf, Set<string>>, leaf: Leaf, texts: readonly string[]): void {
  const set = target.get(leaf) ?? new Set();
  target.set(leaf, set);
  for (const text of texts) set.add(text);
}

function countAll(facts: AnswerFacts, leaf: Leaf, texts: readonly string[]): void {
  const counts = facts.counts.get(leaf) ?? new Map<string, number>();
  facts.counts.set(leaf, counts);
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
}

function append<Value>(target: Map<Leaf, Value[]>, leaf: Leaf, values: readonly Value[]): void {
  const list = target.get(leaf);
  if (!list) target.set(leaf, [...values]);
  else for (const value of values) list.push(value);
}
