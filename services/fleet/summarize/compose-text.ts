// The text of a summary: coverage, majority, deviations, numbers, errors, what was left out, handles; in that order, within the budget.
import type { Handle } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { countTokens } from "../../shared/count-tokens.js";
import { cleanText } from "../../shared/untrusted-text.js";
import type { Findings, Left } from "./collect-findings.js";
import { type FittedSection, fitSections, type Section, tokensOfLine } from "./fit-budget.js";
import { type Line, lineOf } from "./line.js";
import { plural, showCount } from "./show-value.js";

// For the line that says what was left out.
const leftOutReserve = 96;

/** What the text is made of. */
export interface TextParts {
  /** The operation's name. */
  readonly subject: string;
  /** Distinct answers. */
  readonly distinct: number;
  readonly coverage: Line[];
  /** Said next to it. */
  readonly notes: Line[];
  readonly findings: Findings;
  readonly answered: number;
  /** The rows of a single answer. */
  readonly rows: Line[];
  readonly errors: Line[];
  /** What fell to a bound before there was a text. */
  readonly lost: readonly Left[];
  readonly handles: readonly Handle[];
}

/** The text, its tokens, and what it leaves out. */
export interface ComposedText {
  readonly text: string;
  readonly tokens: number;
  readonly omissions: Array<{ what: string; count: bigint }>;
}

/** Composes it. */
export function composeText(parts: TextParts, budget: number): ComposedText {
  const opening = openingLine(parts);
  const available = budget - tokensOfLine(opening) - leftOutReserve;
  const fitted = fitSections(sectionsOf(parts), available);
  const beforeOmissions = fitted.filter(({ name }) => name !== "handles");
  const left = [...leftOutOf(fitted), ...parts.lost.filter(({ count }) => count > 0)];
  const lines = [
    opening,
    ...beforeOmissions.flatMap((section) => section.lines),
    ...leftOutLine(left),
    ...(fitted.find(({ name }) => name === "handles")?.lines ?? []),
  ];
  const text = lines.join("\n");
  return {
    text,
    tokens: countTokens(text),
    omissions: left.map(({ what, count }) => ({ what, count: BigInt(count) })),
  };
}

function openingLine({ subject, coverage, distinct, answered }: TextParts): string {
  const answers =
    distinct === 0
      ? ""
      : distinct === 1 && answered > 1
        ? "; all answers are equal"
        : `; ${plural(distinct, "distinct answer")}`;
  return `${subject}: ${coverage[0]?.text ?? ""}${answers}`;
}

function sectionsOf({ coverage, notes, findings, rows, errors, handles }: TextParts): Section[] {
  const { lines } = findings;
  return [
    { name: "notes", heading: "", lines: notes, share: 0.15, rank: -1 },
    { name: "host states", heading: "", lines: coverage.slice(1), share: 0.15, rank: 0 },
    { name: "majority statements", heading: "Majority:", lines: lines.majority, share: 0.15, rank: 7 },
    { name: "deviations", heading: "Deviations:", lines: lines.deviations, share: 0.25, rank: 1 },
    { name: "deviations", heading: "", lines: lines.furtherDeviations, share: 0, rank: 8 },
    { name: "rows", heading: "Rows:", lines: rows, share: 0.1, rank: 3.5 },
    { name: "numbers", heading: "Numbers:", lines: lines.numbers, share: 0.1, rank: 4 },
    { name: "counts", heading: "Counts:", lines: lines.counts, share: 0.05, rank: 5 },
    { name: "log templates", heading: "Log lines:", lines: lines.templates, share: 0.1, rank: 6 },
    { name: "samples", heading: "Samples:", lines: lines.samples, share: 0.03, rank: 9 },
    { name: "error classes", heading: "Errors:", lines: errors, share: 0.1, rank: 2 },
    { name: "handles", heading: "Open further:", lines: handles.map(handleLine), share: 0.07, rank: 3 },
  ];
}

// Sections of one name are told as one.
function leftOutOf(fitted: readonly FittedSection[]): Left[] {
  const counts = new Map<string, number>();
  for (const { name, leftOut } of fitted) counts.set(name, (counts.get(name) ?? 0) + leftOut);
  return [...counts].map(([what, count]) => ({ what, count })).filter(({ count }) => count > 0);
}

function handleLine({ label, handle }: Handle): Line {
  return lineOf(`${cleanText(label, 120)}: ${cleanText(handle, 2_048)}`);
}

function leftOutLine(left: readonly Left[]): string[] {
  if (left.length === 0) return [];
  const parts: string[] = [];
  let used = tokensOfLine("Left out: and 99 other kinds");
  for (const { what, count } of left) {
    const part = `${showCount(count)} ${what}`;
    used += countTokens(`, ${part}`) + 1;
    if (used > leftOutReserve) break;
    parts.push(part);
  }
  const more = left.length - parts.length;
  return [`Left out: ${parts.join(", ")}${more > 0 ? ` and ${plural(more, "other kind")}` : ""}`];
}
