// Deviations that are too many to be told one by one: a field with many minority values, and a list in which nearly every host has rows of its own.
import { compareText } from "../aggregate/hash.js";
import { fingerprintOf } from "../aggregate/host-set.js";
import { getOrSet } from "../aggregate/row.js";
import { scopeRowId } from "./find-statements.js";
import type { Line } from "./line.js";
import { isRareRow } from "./rare-rows.js";
import { plural, showElements, showHosts, showKey } from "./show-value.js";
import { fieldName, orderOf, type Ranked, rank, rankedOf, type Statement } from "./statement.js";

/** A field with more minority values than this is told in one line. */
const separateValues = 3;
/** A list with more sets of hosts that have rows of their own is told in one line, where that is the rule. */
const separateHostSets = 12;
/** That it is the rule: at least one host in eight has such a row. */
const usualBits = 3;

/** A line with its rank. */
export interface RankedLine extends Ranked {
  readonly line: DeviationLine;
  /** Further rows of the same kind on the same hosts. */
  readonly further: DeviationLine[];
}

/** A line, and the statements it tells. */
export interface DeviationLine extends Line {
  readonly statements: readonly Statement[];
}

/** Statements that are told one by one, and lines for the others. */
export function splitCrowds(deviations: readonly Statement[]): { separate: Statement[]; lines: RankedLine[] } {
  const { separate, crowded } = separateCrowded(deviations);
  const { telling, crowds } = separateCrowds(separate);
  return { separate: telling, lines: [...crowded.map(crowdedLine), ...crowds.map(crowdLine)] };
}

// Splits off the fields whose minority values would make too many lines. Trouble is always told by itself.
function separateCrowded(deviations: readonly Statement[]): { separate: Statement[]; crowded: Statement[][] } {
  const fields = new Map<string, Statement[]>();
  for (const statement of deviations) {
    getOrSet(fields, `${scopeRowId(statement)}\u0000${statement.leaf?.path ?? ""}`, () => []).push(statement);
  }
  const separate: Statement[] = [];
  const crowded: Statement[][] = [];
  for (const statements of fields.values()) {
    const calm = statements.filter(({ alarming }) => !alarming);
    separate.push(...statements.filter(({ alarming }) => alarming));
    if (calm.length > separateValues) crowded.push(calm);
    else separate.push(...calm);
  }
  return { separate, crowded };
}

// Splits off the lists in which rows that few hosts have are the rule, and these rows are many.
function separateCrowds(statements: readonly Statement[]): { telling: Statement[]; crowds: Statement[][] } {
  const isUsual = (statement: Statement) => isRareRow(statement) && statement.bits < usualBits && !statement.alarming;
  const lists = new Map<number, Statement[]>();
  for (const statement of statements.filter(isUsual)) {
    getOrSet(lists, statement.scope.index, () => []).push(statement);
  }
  const crowds = [...lists.values()].filter(
    (list) => new Set(list.map(({ hosts }) => fingerprintOf(hosts))).size > separateHostSets,
  );
  const crowded = new Set(crowds.flat());
  return { telling: statements.filter((statement) => !crowded.has(statement)), crowds };
}

function crowdLine(statements: readonly Statement[]): RankedLine {
  const [first] = statements as [Statement];
  const most = statements.reduce((greatest, { hosts }) => Math.max(greatest, hosts.count), 0);
  const examples = statements.slice(0, 3).map(({ row, hosts }) => `${showKey(row.key)} on ${showHosts(hosts, 2)}`);
  const each = most === 1 ? "on one host each" : `each on ${plural(most, "host")} or fewer`;
  const text = `${first.scope.path}, ${plural(statements.length, "row")} ${each}, such as ${examples.join(", ")}`;
  const ranked = { ...rankedOf(first), surprise: 0, bits: 0 };
  return { ...ranked, line: { text, tells: statements.length, statements }, further: [] };
}

// "most frequent" and "rarest" of a field that differs in many ways.
function crowdedLine(statements: readonly Statement[]): RankedLine {
  const [first] = statements as [Statement];
  const byCount = [...statements].sort((a, b) => b.hosts.count - a.hosts.count || compareText(orderOf(a), orderOf(b)));
  const most = byCount.slice(0, 3);
  const rarest = byCount.slice(3).reverse().slice(0, 3);
  const more = statements.length - most.length - rarest.length;
  const subject = first.scope.keyed
    ? `${first.scope.path} ${showKey(first.row.key)} ${fieldName(first)}`
    : fieldName(first);
  const majority = first.leaf && first.majority ? `, most ${showElements(first.leaf, first.majority)}` : "";
  const parts = [
    `${subject}: ${plural(statements.length, "other value")}${majority}; ${most.map(valueOnHosts).join(", ")}`,
    rarest.length > 0 ? `rarest ${rarest.map(valueOnHosts).join(", ")}` : "",
    more > 0 ? `${plural(more, "more value")}` : "",
  ].filter((part) => part !== "");
  const ranked = rank(statements.map(rankedOf))[0] as Ranked;
  return { ...ranked, line: { text: parts.join("; "), tells: statements.length, statements: byCount }, further: [] };
}

function valueOnHosts({ leaf, elements, hosts }: Statement): string {
  return `${leaf ? showElements(leaf, elements) : elements[0]} on ${showHosts(hosts, 2)}`;
}
