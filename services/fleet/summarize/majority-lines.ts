// What most hosts say, as text: fields of the answer by the hosts that agree, rows with equal values together, and fields on which no value has
// a majority.
import { compareText } from "../aggregate/hash.js";
import { fingerprintOf } from "../aggregate/host-set.js";
import { getOrSet } from "../aggregate/row.js";
import { type Split, type Statements, scopeRowId } from "./find-statements.js";
import { chunk, type Line, lineOf, listSome } from "./line.js";
import { plural, showCount, showElements, showKey } from "./show-value.js";
import { fieldName, type Statement } from "./statement.js";

const clausesPerLine = 8;
const namesPerLine = 16;
const rowsPerLine = 6;
const splitValues = 5;

/** The lines: the answer's own fields first, then rows. */
export function majorityLines({ majority, splits }: Statements, answered: number): Line[] {
  return [
    ...fieldLines(majority.filter(({ scope }) => !scope.keyed)),
    ...splits.filter(({ statements }) => !statements[0]?.scope.keyed).map(splitLine),
    ...rowLines(
      majority.filter(({ scope }) => scope.keyed),
      answered,
    ),
    ...splits.filter(({ statements }) => statements[0]?.scope.keyed).map(splitLine),
  ];
}

function fieldLines(statements: readonly Statement[]): Line[] {
  const byHosts = new Map<string, Statement[]>();
  for (const statement of statements) {
    getOrSet(byHosts, `${fingerprintOf(statement.hosts)} ${statement.ofHosts}`, () => []).push(statement);
  }
  const groups = [...byHosts.values()].sort((a, b) => hostCount(b) - hostCount(a));
  return groups.flatMap((group) =>
    chunk(group, clausesPerLine).map((part) => {
      const told = part.filter((statement) => !isEmpty(statement));
      const clauses = told.map((statement) => `${fieldName(statement)} ${textOfValue(statement)}`);
      const empty = part.filter(isEmpty).map(fieldName);
      if (empty.length > 0) clauses.push(`empty ${empty.join(" and ")}`);
      return lineOf(`${onHosts(part[0] as Statement)}: ${clauses.join(", ")}`, part.length);
    }),
  );
}

function isEmpty({ elements }: Statement): boolean {
  return elements.every((element) => element === "");
}

function hostCount(statements: readonly Statement[]): number {
  return statements[0]?.hosts.count ?? 0;
}

function onHosts({ hosts, ofHosts }: Statement): string {
  if (hosts.count < ofHosts) return `${showCount(hosts.count)} of ${plural(ofHosts, "host")}`;
  return hosts.count === 1 ? (hosts.names[0] ?? "1 host") : `all ${plural(ofHosts, "host")}`;
}

function textOfValue({ leaf, elements }: Statement): string {
  return leaf ? showElements(leaf, elements) : "";
}

// Rows that say the same on as many hosts are one line with their names.
function rowLines(statements: readonly Statement[], answered: number): Line[] {
  const rows = new Map<string, Statement[]>();
  for (const statement of statements) getOrSet(rows, scopeRowId(statement), () => []).push(statement);
  const alike = new Map<string, Statement[][]>();
  for (const row of rows.values()) getOrSet(alike, rowSignature(row), () => []).push(row);
  const groups = [...alike.values()].sort((a, b) => b.length - a.length || compareText(orderKey(a), orderKey(b)));
  return [
    ...groups.filter((group) => group.length > 1).flatMap((group) => alikeLines(group, answered)),
    ...singleLines(groups.filter((group) => group.length === 1).flat(), answered),
  ];
}

function rowSignature(row: readonly Statement[]): string {
  const [first] = row as [Statement];
  const clauses = row.map((statement) => `${fieldName(statement)} ${textOfValue(statement)} ${statement.hosts.count}`);
  return [first.scope.index, first.row.hosts.count, ...clauses].join("\u0000");
}

function orderKey(group: readonly Statement[][]): string {
  return scopeRowId(group[0]?.[0] as Statement);
}

function alikeLines(group: readonly Statement[][], answered: number): Line[] {
  const [[first]] = group as [[Statement]];
  const clauses = rowClauses(group[0] ?? []);
  const names = group.map((row) => showKey((row[0] as Statement).row.key));
  const subject = `${first.scope.path} on ${rowHosts(first, answered)}`;
  return [
    lineOf(`${subject}, ${plural(group.length, "row")}${clauses}: ${listSome(names, namesPerLine)}`, group.length),
  ];
}

function singleLines(rows: readonly Statement[][], answered: number): Line[] {
  const byHosts = new Map<string, Statement[][]>();
  for (const row of rows) {
    const [first] = row as [Statement];
    getOrSet(byHosts, `${first.scope.path} on ${rowHosts(first, answered)}`, () => []).push(row);
  }
  return [...byHosts].flatMap(([subject, group]) =>
    chunk(group, rowsPerLine).map((part) => {
      const items = part.map((row) => `${showKey((row[0] as Statement).row.key)}${rowClauses(row)}`);
      return lineOf(`${subject}: ${items.join("; ")}`, part.length);
    }),
  );
}

function rowHosts({ row }: Statement, answered: number): string {
  if (row.hosts.count === answered)
    return answered === 1 ? (row.hosts.names[0] ?? "1 host") : `all ${plural(answered, "host")}`;
  return `${showCount(row.hosts.count)} of ${plural(answered, "host")}`;
}

function rowClauses(row: readonly Statement[]): string {
  const clauses = row
    .filter((statement) => statement.leaf && !isEmpty(statement))
    .map((statement) => {
      const some = statement.hosts.count < statement.ofHosts ? ` on ${showCount(statement.hosts.count)}` : "";
      return `${fieldName(statement)} ${textOfValue(statement)}${some}`;
    });
  return clauses.length > 0 ? ` (${clauses.join(", ")})` : "";
}

// "no majority" never hides what there is: the most frequent values and how many there are.
function splitLine({ statements, leaf }: Split): Line {
  const [first] = statements as [Statement];
  const subject = first.scope.keyed
    ? `${first.scope.path} ${showKey(first.row.key)} ${fieldName(first)}`
    : fieldName(first);
  const shown = statements.slice(0, splitValues).map((statement) => {
    const who = statement.hosts.count === 1 ? statement.hosts.names[0] : showCount(statement.hosts.count);
    return `${showElements(leaf, statement.elements)} on ${who}`;
  });
  const more = statements.length - shown.length;
  const rest = more > 0 ? ` and ${plural(more, "more value")}` : "";
  const allDiffer = first.hosts.count === 1 && statements.length > 1;
  const kind = allDiffer ? "all different" : `no majority among ${plural(statements.length, "value")}`;
  return lineOf(`${subject} on ${plural(first.ofHosts, "host")}, ${kind}: ${shown.join(", ")}${rest}`);
}
