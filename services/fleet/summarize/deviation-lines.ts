// Deviations as text: related statements of one row on the same hosts are one clause list, equal clause lists of several rows are one item,
// and a field with many minority values is one line.
import { compareText } from "../aggregate/hash.js";
import { fingerprintOf } from "../aggregate/host-set.js";
import { getOrSet, type Row } from "../aggregate/row.js";
import { scopeRowId } from "./find-statements.js";
import { chunk, type Line, listSome } from "./line.js";
import { isRareRow } from "./rare-rows.js";
import { plural, showElements, showHosts, showKey, showUntrusted } from "./show-value.js";
import { absent, orderOf, present, type Ranked, rank, type Statement, surpriseOf } from "./statement.js";

/** A field with more minority values than this is told in one line. */
const separateValues = 3;
/** A list with more sets of hosts that have rows of their own is told in one line, where that is the rule. */
const separateHostSets = 12;
/** That it is the rule: at least one host in eight has such a row. */
const usualBits = 3;
const itemsPerLine = 4;
const namesPerItem = 8;

interface RankedLine extends Ranked {
  readonly line: DeviationLine;
  /** Further rows of the same kind on the same hosts. */
  readonly further: DeviationLine[];
}

/** A line, and the statements it tells. */
export interface DeviationLine extends Line {
  readonly statements: readonly Statement[];
}

/** Statements of one row on the same hosts. */
interface Bundle {
  readonly statements: Statement[];
  readonly clauses: string;
}

/** Rows with equal clauses. */
interface Item {
  readonly bundles: readonly Bundle[];
  readonly text: string;
  readonly best: Ranked;
}

/**
 * The lines, most surprising first. Where many rows differ in the same way on the same hosts, the first of them come in this order and the
 * others are further lines, so that no crowd of rows hides another deviation.
 */
export function deviationLines(
  deviations: readonly Statement[],
  rareRows: ReadonlyMap<Row, readonly Statement[]>,
): { lines: DeviationLine[]; further: DeviationLine[] } {
  const { separate, crowded } = separateCrowded(deviations);
  const { telling, crowds } = separateCrowds(separate);
  const bundles = bundleRows(telling, rareRows);
  const ranked = rank([...linesOfBundles(bundles), ...crowded.map(crowdedLine), ...crowds.map(crowdLine)]);
  return { lines: ranked.map(({ line }) => line), further: ranked.flatMap(({ further }) => further) };
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

function bundleRows(statements: readonly Statement[], rareRows: ReadonlyMap<Row, readonly Statement[]>): Bundle[] {
  const bundles = new Map<string, Statement[]>();
  for (const statement of statements) {
    getOrSet(bundles, `${scopeRowId(statement)}\u0000${fingerprintOf(statement.hosts)}`, () => []).push(statement);
  }
  return [...bundles.values()].map((bundled) => ({ statements: bundled, clauses: clausesOf(bundled, rareRows) }));
}

function clausesOf(statements: readonly Statement[], rareRows: ReadonlyMap<Row, readonly Statement[]>): string {
  return statements
    .flatMap((statement) => {
      if (statement.leaf) return [clauseOf(statement)];
      return statement.elements === present ? describeRow(statement, rareRows.get(statement.row) ?? []) : [];
    })
    .join(", ");
}

function clauseOf(statement: Statement): string {
  const { leaf, elements, majority, restAgrees } = statement;
  if (!leaf) return "";
  const others = majority ? ` (${restAgrees ? "others" : "most"} ${showElements(leaf, majority)})` : "";
  return `${fieldName(statement)} ${showElements(leaf, elements)}${others}`;
}

// A row that few have is told with what it says; there is nothing to compare it with.
function describeRow(statement: Statement, values: readonly Statement[]): string[] {
  const told = values
    .filter(({ elements }) => elements.some((element) => element !== ""))
    .map((value) => `${fieldName(value)} ${value.leaf ? showElements(value.leaf, value.elements) : ""}`);
  const samples = [...statement.row.samples].flatMap(([leaf, entries]) =>
    entries.slice(0, 1).map((entry) => `${relativeName(leaf.path, statement)} ${showUntrusted(entry.value)}`),
  );
  return [...told, ...samples];
}

/** The field's path below its row. */
export function fieldName(statement: Statement): string {
  return relativeName(statement.leaf?.path ?? "", statement);
}

function relativeName(path: string, { scope }: Statement): string {
  return scope.path !== "" && path.startsWith(`${scope.path}.`) ? path.slice(scope.path.length + 1) : path;
}

function linesOfBundles(bundles: readonly Bundle[]): RankedLine[] {
  const groups = new Map<string, Bundle[]>();
  for (const bundle of bundles) {
    const [first] = bundle.statements as [Statement];
    const kind = bundle.statements.map(({ leaf, elements }) => leaf?.path ?? elements[0]).join("\u0000");
    getOrSet(groups, `${first.scope.index}\u0000${fingerprintOf(first.hosts)}\u0000${kind}`, () => []).push(bundle);
  }
  return [...groups.values()].map(lineOfGroup);
}

// Rows that differ in the same way on the same hosts.
function lineOfGroup(group: readonly Bundle[]): RankedLine {
  const byClauses = new Map<string, Bundle[]>();
  for (const bundle of group) getOrSet(byClauses, bundle.clauses, () => []).push(bundle);
  const items = [...byClauses.values()].map((bundles): Item => {
    const ranked = bundles.flatMap(({ statements }) => statements).map(rankedOf);
    return { bundles, text: itemText(bundles), best: rank(ranked)[0] as Ranked };
  });
  const ordered = rank(items.map((item) => ({ ...item.best, item }))).map(({ item }) => item);
  const parts = chunk(ordered, itemsPerLine);
  const [line, ...further] = parts.map((part, index): DeviationLine => {
    const statements = part.flatMap(({ bundles }) => bundles.flatMap((bundle) => bundle.statements));
    const rows = index === 0 && parts.length > 1 ? group.length : 0;
    return { text: groupText(statements[0] as Statement, part, rows), tells: statements.length, statements };
  });
  return { ...(ordered[0] as Item).best, line: line as DeviationLine, further };
}

function rankedOf(statement: Statement): Ranked {
  const { bits, alarming } = statement;
  return { bits, alarming, surprise: surpriseOf(statement), order: orderOf(statement) };
}

function itemText(bundles: readonly Bundle[]): string {
  const keys = bundles.map(({ statements }) => showKey((statements[0] as Statement).row.key)).sort(compareText);
  const [{ clauses }] = bundles as [Bundle];
  const isRoot = bundles[0]?.statements[0]?.scope.path === "" || !bundles[0]?.statements[0]?.scope.keyed;
  if (isRoot) return clauses;
  return clauses === "" ? listSome(keys, namesPerItem) : `${listSome(keys, namesPerItem)}: ${clauses}`;
}

function groupText(first: Statement, items: readonly Item[], rows: number): string {
  const hosts = rows > 0 ? `${showHosts(first.hosts)}, ${plural(rows, "row")}` : showHosts(first.hosts);
  const texts = items.map(({ text }) => text).join("; ");
  if (!first.scope.keyed) return `${hosts}: ${texts}`;
  const list = first.scope.path;
  if (first.elements === absent) return `${list} missing on ${hosts}: ${texts}`;
  if (first.elements === present) return `${list} only on ${hosts}: ${texts}`;
  const [only] = items as [Item];
  if (items.length > 1 || only.bundles.length > 1) return `${list} on ${hosts}: ${texts}`;
  return `${list} ${showKey(first.row.key)} on ${hosts}: ${only.bundles[0]?.clauses}`;
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
