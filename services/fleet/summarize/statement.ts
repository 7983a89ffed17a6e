// One statement about hosts: so many have this value, or this row. The text and the fields of a summary are both made of these.
import { create } from "@bufbuild/protobuf";
import { type Finding, FindingSchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { compareText } from "../aggregate/hash.js";
import { fingerprintOf, type HostSet } from "../aggregate/host-set.js";
import type { Leaf, Scope } from "../aggregate/plan.js";
import { rowId } from "../aggregate/read-answer.js";
import type { Row } from "../aggregate/row.js";
import { elementsText, keyText } from "./show-value.js";

/** What a statement says of its hosts. */
export interface Statement {
  readonly scope: Scope;
  readonly row: Row;
  /** The field; none when the statement is about having the row. */
  readonly leaf?: Leaf;
  /** The field's distinct values; of a row "present" or "absent". */
  readonly elements: readonly string[];
  readonly hosts: HostSet;
  /** Hosts that could say it: all that answered, or for a field of a row those that have the row. */
  readonly ofHosts: number;
  /** What more than half of these hosts say instead. */
  readonly majority?: readonly string[];
  /** True when all hosts but these say what the majority says. */
  readonly restAgrees?: boolean;
  /** Bits: how unlikely a host with it is among the others. */
  readonly bits: number;
  /** True when the value itself speaks of trouble. */
  readonly alarming: boolean;
}

/** Elements of a statement about a row. */
export const present: readonly string[] = ["present"];
export const absent: readonly string[] = ["absent"];

// Words of state fields that mean trouble whatever the operation. Untrusted text never counts: it could say so to be read first.
const trouble =
  /^(?:fail(?:ed|ure)?|error|fatal|crashed|core-dump|oom-kill|timeout|watchdog|degraded|broken|corrupt(?:ed)?|critical|emergency|alert|zombie|unhealthy|not_found|indeterminate)$/;

/** True when one of the values is a word for trouble. */
export function isAlarming(leaf: Leaf | undefined, elements: readonly string[]): boolean {
  return leaf !== undefined && !leaf.untrusted && elements.some((element) => trouble.test(element));
}

/** Bits of surprise of a share. */
export function surpriseBits(count: number, of: number): number {
  return of > 0 && count > 0 ? Math.log2(of / count) : 0;
}

/** Bits of surprise times hosts. */
export function surpriseOf(statement: Statement): number {
  return statement.bits * statement.hosts.count;
}

/** Anything that can be ranked by surprise. */
export interface Ranked {
  readonly bits: number;
  readonly surprise: number;
  readonly alarming: boolean;
  /** Decides between equals. */
  readonly order: string;
}

/**
 * Trouble first; then in turn the next by surprise times hosts and the next by surprise alone. So a large minority does not hide the one odd
 * host, nor a crowd of odd hosts the large minority.
 */
export function rank<Item extends Ranked>(items: readonly Item[]): Item[] {
  const byWeight = [...items].sort(
    (a, b) => Number(b.alarming) - Number(a.alarming) || b.surprise - a.surprise || compareText(a.order, b.order),
  );
  const byRarity = [...items].sort(
    (a, b) => Number(b.alarming) - Number(a.alarming) || b.bits - a.bits || compareText(a.order, b.order),
  );
  const taken = new Set<Item>();
  for (const [index, item] of byWeight.entries()) {
    taken.add(item);
    taken.add(byRarity[index] as Item);
  }
  return [...taken];
}

/** Names the statement among all of a summary. */
export function orderOf(statement: Statement): string {
  const path = statement.leaf?.path ?? statement.scope.path;
  return [path, rowId(statement.row.key), ...statement.elements, fingerprintOf(statement.hosts)].join("\u0000");
}

/** The statement as a field of a summary. */
export function findingOf(statement: Statement): Finding {
  const isAbsent = statement.leaf ? statement.elements.length === 0 : statement.elements === absent;
  return create(FindingSchema, {
    path: statement.leaf?.path ?? statement.scope.path,
    key: keyText(statement.row.key),
    value: isAbsent ? "" : elementsText(statement.elements),
    absent: isAbsent,
    hostCount: statement.hosts.count,
    ofHosts: statement.ofHosts,
    hosts: [...statement.hosts.names],
    majorityValue: statement.majority ? elementsText(statement.majority) : "",
    surprise: surpriseOf(statement),
  });
}

/** The field's path below its row. */
export function fieldName(statement: Statement): string {
  return relativeName(statement.leaf?.path ?? "", statement);
}

/** A path below the row that the statement is about. */
export function relativeName(path: string, { scope }: Statement): string {
  return scope.path !== "" && path.startsWith(`${scope.path}.`) ? path.slice(scope.path.length + 1) : path;
}

/** The statement by itself, to rank. */
export function rankedOf(statement: Statement): Ranked {
  const { bits, alarming } = statement;
  return { bits, alarming, surprise: surpriseOf(statement), order: orderOf(statement) };
}
