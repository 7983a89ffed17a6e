// Aggregation, hop [7] of the data path: many answers of one operation reduced by associative merges. This file compiles a response
// descriptor, once, into what has to be read from an answer and how each field is reduced.
import { type DescField, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import {
  Reduction,
  summary,
  type Unit,
  unit,
  untrusted,
  varies,
} from "../../gen/systemsmanager/options/v1/options_pb.js";
import { type FieldReader, readerOf } from "./field-reader.js";
import { type ValueKind, valueKindOf } from "./field-value.js";

/** A field with a value of its own, and its reductions. */
export interface Leaf {
  /** Position in Plan.leaves. */
  readonly index: number;
  /** Dotted field names from the response: "services.active_state". */
  readonly path: string;
  /** The list whose rows the field belongs to. */
  readonly scope: Scope;
  readonly reductions: ReadonlySet<Reduction>;
  readonly kind: ValueKind;
  readonly untrusted: boolean;
  readonly unit: Unit;
}

/** A list whose elements are rows with keys of their own; the first scope is the response itself and has the one row "". */
export interface Scope {
  readonly index: number;
  /** Field path of the list; empty for the response. */
  readonly path: string;
  /** True when rows have keys, and so can be told apart and missed. */
  readonly keyed: boolean;
  /** True when a row that some hosts lack is no deviation. */
  readonly varies: boolean;
  /** The leaves with GROUP of its rows, nested messages included. */
  readonly groups: Leaf[];
}

/** What to do with one field of a message while walking it. */
export type Step =
  | { readonly kind: "leaf"; readonly read: FieldReader; readonly leaf: Leaf }
  | { readonly kind: "key"; readonly read: FieldReader; readonly value: ValueKind; readonly untrusted: boolean }
  | { readonly kind: "message"; readonly read: FieldReader; readonly steps: readonly Step[] }
  | { readonly kind: "rows"; readonly read: FieldReader; readonly scope: Scope; readonly steps: readonly Step[] };

/** A response descriptor, compiled. */
export interface Plan {
  readonly descriptor: DescMessage;
  readonly steps: readonly Step[];
  readonly leaves: readonly Leaf[];
  readonly scopes: readonly Scope[];
}

interface Compilation {
  readonly leaves: Leaf[];
  readonly scopes: Scope[];
  /** Message types being compiled, so that a recursive type ends. */
  readonly open: Set<string>;
}

const plans = new WeakMap<DescMessage, Plan>();

/** The plan of a response descriptor; compiled at its first use. */
export function planOf(descriptor: DescMessage): Plan {
  const known = plans.get(descriptor);
  if (known) return known;
  const compilation: Compilation = { leaves: [], scopes: [], open: new Set() };
  const root = addScope(compilation, { path: "", keyed: false, varies: false });
  const steps = compileMessage(compilation, descriptor, "", root);
  const plan: Plan = { descriptor, steps, leaves: compilation.leaves, scopes: compilation.scopes };
  plans.set(descriptor, plan);
  return plan;
}

function compileMessage(compilation: Compilation, message: DescMessage, prefix: string, scope: Scope): Step[] {
  if (compilation.open.has(message.typeName)) return [];
  compilation.open.add(message.typeName);
  const steps = message.fields.flatMap((field) => compileField(compilation, field, `${prefix}${field.name}`, scope));
  compilation.open.delete(message.typeName);
  return steps;
}

function compileField(compilation: Compilation, field: DescField, path: string, scope: Scope): Step[] {
  if (field.fieldKind === "map") return compileMap(compilation, field, path, scope);
  const nested = nestedMessageOf(field);
  if (!nested) return compileValue(compilation, field, path, scope);
  if (field.fieldKind !== "list") {
    const steps = compileMessage(compilation, nested, `${path}.`, scope);
    return steps.length > 0 ? [{ kind: "message", read: readerOf(field), steps }] : [];
  }
  const rows = hasKey(nested, new Set())
    ? addScope(compilation, { path, keyed: true, varies: variesIn(field, scope) })
    : scope;
  const own = rows === scope && scope.index === 0 ? addScope(compilation, { path, keyed: false, varies: true }) : rows;
  const steps = compileMessage(compilation, nested, `${path}.`, own);
  return steps.length > 0 ? [{ kind: "rows", read: readerOf(field), scope: own, steps }] : [];
}

function compileValue(compilation: Compilation, field: DescField, path: string, scope: Scope): Step[] {
  const reductions = reductionsOf(field);
  const value = valueKindOf(field);
  const read = readerOf(field);
  const steps: Step[] = [];
  if (reductions.delete(Reduction.KEY) && scope.keyed) {
    steps.push({ kind: "key", read, value, untrusted: getOption(field, untrusted) });
  }
  if (reductions.size > 0)
    steps.push({ kind: "leaf", read, leaf: addLeaf(compilation, field, path, scope, value, reductions) });
  return steps;
}

// A map is a list whose rows are named by the map's keys.
function compileMap(
  compilation: Compilation,
  field: DescField & { fieldKind: "map" },
  path: string,
  scope: Scope,
): Step[] {
  const reductions = reductionsOf(field);
  reductions.delete(Reduction.KEY);
  if (field.mapKind !== "message" && reductions.size === 0) return [];
  const rows = addScope(compilation, { path, keyed: true, varies: variesIn(field, scope) });
  const key: Step = { kind: "key", read: (entry) => (entry as { key: unknown }).key, value: "text", untrusted: true };
  const readValue: FieldReader = (entry) => (entry as { value: unknown }).value;
  const value: Step =
    field.mapKind === "message"
      ? { kind: "message", read: readValue, steps: compileMessage(compilation, field.message, `${path}.`, rows) }
      : {
          kind: "leaf",
          read: readValue,
          leaf: addLeaf(compilation, field, path, rows, valueKindOf(field), reductions),
        };
  return [{ kind: "rows", read: readerOf(field), scope: rows, steps: [key, value] }];
}

function addLeaf(
  compilation: Compilation,
  field: DescField,
  path: string,
  scope: Scope,
  kind: ValueKind,
  reductions: ReadonlySet<Reduction>,
): Leaf {
  const leaf: Leaf = {
    index: compilation.leaves.length,
    path,
    scope,
    reductions,
    kind,
    untrusted: getOption(field, untrusted),
    unit: getOption(field, unit),
  };
  compilation.leaves.push(leaf);
  if (reductions.has(Reduction.GROUP)) scope.groups.push(leaf);
  return leaf;
}

function addScope(compilation: Compilation, scope: Omit<Scope, "index" | "groups">): Scope {
  const added: Scope = { ...scope, index: compilation.scopes.length, groups: [] };
  compilation.scopes.push(added);
  return added;
}

function variesIn(field: DescField, scope: Scope): boolean {
  return scope.varies || getOption(field, varies);
}

function reductionsOf(field: DescField): Set<Reduction> {
  const reductions = new Set(hasOption(field, summary) ? getOption(field, summary) : []);
  if (reductions.has(Reduction.OMIT)) return new Set();
  reductions.delete(Reduction.UNSPECIFIED);
  return reductions;
}

// The message type whose fields are reduced one by one; none for well-known types that stand for one value.
function nestedMessageOf(field: DescField): DescMessage | undefined {
  const message = field.fieldKind === "message" || field.fieldKind === "list" ? field.message : undefined;
  return message && valueKindOf(field) === "message" ? message : undefined;
}

function hasKey(message: DescMessage, seen: Set<string>): boolean {
  if (seen.has(message.typeName)) return false;
  seen.add(message.typeName);
  return message.fields.some(
    (field) => reductionsOf(field).has(Reduction.KEY) || (field.fieldKind === "message" && hasKey(field.message, seen)),
  );
}
