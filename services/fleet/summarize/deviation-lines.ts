// Deviations as text: related statements of one row on the same hosts are one clause list, equal clause lists of several rows are one item,
// and a field with many minority values is one line.
import { compareText } from "../aggregate/hash.js";
import { fingerprintOf } from "../aggregate/host-set.js";
import { getOrSet, type Row } from "../aggregate/row.js";
import { type DeviationLine, type RankedLine, splitCrowds } from "./crowds.js";
import { scopeRowId } from "./find-statements.js";
import { chunk, listSome } from "./line.js";
import { plural, showElements, showHosts, showKey, showUntrusted } from "./show-value.js";
import { absent, fieldName, present, type Ranked, rank, rankedOf, relativeName, type Statement } from "./statement.js";

const itemsPerLine = 4;
const namesPerItem = 8;
/** More rows than this that only the same hosts have are named, not described. */
const describedRows = 12;
const namedRows = 16;

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
  const { separate, lines } = splitCrowds(deviations);
  const ranked = rank([...linesOfBundles(bundleRows(separate, rareRows)), ...lines]);
  return { lines: ranked.map(({ line }) => line), further: ranked.flatMap(({ further }) => further) };
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
  const best = (ordered[0] as Item).best;
  if (isCrowdOfRows(group)) return { ...best, line: namesLine(group, ordered), further: [] };
  const parts = chunk(ordered, itemsPerLine);
  const [line, ...further] = parts.map((part, index): DeviationLine => {
    const statements = part.flatMap(({ bundles }) => bundles.flatMap((bundle) => bundle.statements));
    const rows = index === 0 && parts.length > 1 ? group.length : 0;
    return { text: groupText(statements[0] as Statement, part, rows), tells: statements.length, statements };
  });
  return { ...best, line: line as DeviationLine, further };
}

function isCrowdOfRows(group: readonly Bundle[]): boolean {
  const calm = (statement: Statement) => statement.elements === present && !statement.alarming;
  return group.length > describedRows && group.every(({ statements }) => statements.every(calm));
}

// What so many rows say is for whoever opens them; that they are there is the news.
function namesLine(group: readonly Bundle[], ordered: readonly Item[]): DeviationLine {
  const statements = group.flatMap((bundle) => bundle.statements);
  const keys = ordered.flatMap(({ bundles }) =>
    bundles.map((bundle) => showKey((bundle.statements[0] as Statement).row.key)),
  );
  const { scope, hosts } = statements[0] as Statement;
  const text = `${scope.path} only on ${showHosts(hosts)}, ${plural(group.length, "row")}: ${listSome(keys, namedRows)}`;
  return { text, tells: statements.length, statements };
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
