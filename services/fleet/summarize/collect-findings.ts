// Everything a summary tells of the answers: bounded lists for its fields, lines for its text, and what fell to a bound, counted.
import type {
  Count,
  Distribution,
  Finding,
  LogTemplate,
  Sample,
  TopEntry,
  Total,
} from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { Aggregate } from "../aggregate/aggregate.js";
import { deviationLines } from "./deviation-lines.js";
import { findStatements, type Statements } from "./find-statements.js";
import type { Line } from "./line.js";
import { majorityLines } from "./majority-lines.js";
import { distributionsOf, topOf, totalsOf } from "./number-entries.js";
import { findingOf } from "./statement.js";
import { countsOf, samplesOf, templatesOf } from "./text-entries.js";

/** Entries of each list among a summary's fields. */
export const entryLimit = 50;

/** So much was left out. */
export interface Left {
  readonly what: string;
  readonly count: number;
}

/** The lists of a summary. */
export interface FindingFields {
  majority: Finding[];
  deviations: Finding[];
  totals: Total[];
  counts: Count[];
  distributions: Distribution[];
  top: TopEntry[];
  templates: LogTemplate[];
  samples: Sample[];
}

/** What the answers say. */
export interface Findings {
  readonly fields: FindingFields;
  readonly lines: Record<
    "majority" | "deviations" | "furtherDeviations" | "numbers" | "counts" | "templates" | "samples",
    Line[]
  >;
  /** What the fields leave out. */
  readonly omissions: Array<{ what: string; count: bigint }>;
  /** What fell to a bound of the aggregate. */
  readonly lost: Left[];
}

/** Collects them. */
export function collectFindings(aggregate: Aggregate): Findings {
  const answered = aggregate.sources.reduce((sum, { count }) => sum + count, 0);
  const statements = findStatements(aggregate);
  const deviations = deviationLines(statements.deviations, statements.rareRows);
  const totals = totalsOf(aggregate);
  const counts = countsOf(aggregate);
  const distributions = distributionsOf(aggregate);
  const top = topOf(aggregate);
  const templates = templatesOf(aggregate);
  const samples = samplesOf(aggregate, new Set(statements.rareRows.keys()));
  const all: FindingFields = {
    majority: majorityFindings(statements),
    deviations: [...deviations.lines, ...deviations.further].flatMap((line) => line.statements).map(findingOf),
    totals: totals.entries,
    counts: counts.entries,
    distributions: distributions.entries,
    top: top.entries,
    templates: templates.entries,
    samples: samples.entries,
  };
  return {
    ...bounded(all),
    lines: {
      majority: majorityLines(statements, answered),
      deviations: deviations.lines,
      furtherDeviations: deviations.further,
      numbers: [...top.lines, ...distributions.lines, ...totals.lines],
      counts: counts.lines,
      templates: templates.lines,
      samples: samples.lines,
    },
    lost: lostOf(aggregate),
  };
}

function majorityFindings({ majority, splits, rareRows }: Statements): Finding[] {
  const agreed = [...majority, ...splits.flatMap((split) => split.statements)];
  const own = agreed.filter(({ scope }) => !scope.keyed);
  const ofRows = agreed.filter(({ scope }) => scope.keyed);
  return [...own, ...ofRows, ...[...rareRows.values()].flat()].map(findingOf);
}

function bounded(all: FindingFields): Pick<Findings, "fields" | "omissions"> {
  const omissions: Array<{ what: string; count: bigint }> = [];
  const limit = <Entry>(what: string, entries: Entry[]): Entry[] => {
    if (entries.length > entryLimit) {
      omissions.push({ what: `${what} beyond the fields`, count: BigInt(entries.length - entryLimit) });
    }
    return entries.slice(0, entryLimit);
  };
  const fields: FindingFields = {
    majority: limit("majority statements", all.majority),
    deviations: limit("deviations", all.deviations),
    totals: limit("totals", all.totals),
    counts: limit("counts", all.counts),
    distributions: limit("distributions", all.distributions),
    top: limit("greatest values", all.top),
    templates: limit("log templates", all.templates),
    samples: limit("samples", all.samples),
  };
  return { fields, omissions };
}

// Asked only after the tables were read, which is when they shed what is beyond their bounds.
function lostOf(aggregate: Aggregate): Left[] {
  return [
    ...aggregate.scopes.map(({ scope, lost }) => ({ what: `rows of ${scope.path}, beyond memory`, count: lost.count })),
    ...aggregate.leaves.flatMap(({ leaf, lostCounts, lines }) => [
      { what: `occurrences of ${leaf.path}, beyond memory`, count: lostCounts.count },
      { what: `lines of ${leaf.path}, beyond memory`, count: lines.lost.count },
    ]),
  ].filter(({ count }) => count > 0);
}
