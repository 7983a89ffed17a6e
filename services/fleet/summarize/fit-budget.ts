// Sections of lines fitted into a token budget. Each section is promised a share, so that none can crowd out another; what one does not need
// goes to the others, first come first served. Every line is counted once, and none that could not fit any more.
import { countTokens, mostTokens } from "../../shared/count-tokens.js";
import type { Line } from "./line.js";

/** A part of the text. */
export interface Section {
  /** First line of the section; empty for none. */
  readonly heading: string;
  /** Most important first. */
  readonly lines: readonly Line[];
  /** Promised share of the budget, 0 to 1. */
  readonly share: number;
  /** Claims what others leave before sections of a greater rank do. */
  readonly rank: number;
  /** What its lines are, where they are counted as left out: "deviations". */
  readonly name: string;
}

/** A section's part of the text. */
export interface FittedSection {
  readonly name: string;
  readonly lines: readonly string[];
  /** Statements that did not fit. */
  readonly leftOut: number;
}

interface Filling {
  readonly section: Section;
  readonly tokens: number[];
  readonly headingTokens: number;
  taken: number;
  used: number;
}

/** Fits the sections into the budget, in their order. A line is taken only after all lines before it. */
export function fitSections(sections: readonly Section[], budget: number): FittedSection[] {
  const filled = sections.filter(({ lines }) => lines.length > 0);
  if (surelyFit(filled, budget)) return filled.map((section) => fittedOf(section, section.lines.length));
  const fillings = filled.map((section): Filling => {
    const headingTokens = section.heading === "" ? 0 : tokensOfLine(section.heading);
    return { section, tokens: [], headingTokens, taken: 0, used: 0 };
  });
  let left = budget;
  for (const filling of fillings) left -= fill(filling, Math.min(Math.floor(budget * filling.section.share), left));
  for (const filling of [...fillings].sort((a, b) => a.section.rank - b.section.rank)) left -= fill(filling, left);
  return fillings.map(({ section, taken }) => fittedOf(section, taken));
}

// What one host answered mostly is so little that it need not be counted line by line.
function surelyFit(sections: readonly Section[], budget: number): boolean {
  const lineFeed = 1;
  let most = 0;
  for (const { heading, lines } of sections) {
    most += mostTokens(heading) + lineFeed;
    for (const { text } of lines) most += mostTokens(text) + lineFeed;
    if (most > budget) return false;
  }
  return true;
}

/** Tokens of a line with its line feed. */
export function tokensOfLine(line: string): number {
  return countTokens(`${line}\n`);
}

// Takes further lines as long as they fit; gives the tokens that were used for them.
function fill(filling: Filling, allowance: number): number {
  const before = filling.used;
  const { lines } = filling.section;
  while (filling.taken < lines.length) {
    const heading = filling.taken === 0 ? filling.headingTokens : 0;
    filling.tokens[filling.taken] ??= tokensOfLine((lines[filling.taken] as Line).text);
    const needed = heading + (filling.tokens[filling.taken] as number);
    if (filling.used - before + needed > allowance) break;
    filling.used += needed;
    filling.taken++;
  }
  return filling.used - before;
}

function fittedOf(section: Section, taken: number): FittedSection {
  const kept = section.lines.slice(0, taken).map(({ text }) => text);
  const leftOut = section.lines.slice(taken).reduce((sum, { tells }) => sum + tells, 0);
  const lines = taken > 0 && section.heading !== "" ? [section.heading, ...kept] : kept;
  return { name: section.name, lines, leftOut };
}
