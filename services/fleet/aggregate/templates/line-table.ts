// The exact multiset of masked lines: how often each came from which hosts. This is what is merged; the template tree is grown from it when
// it is rendered, so the templates do not depend on the order of merging.
import { BoundedTable } from "../bounded-table.js";
import { maskLine } from "./mask-line.js";

/** Distinct masked lines kept exactly. */
export const exactShapes = 20_000;
/** Distinct beginnings kept of the masked lines beyond that. */
export const coarseShapes = 5_000;

/** All lines of one masked form. */
export interface LineShape {
  count: number;
  /** The smallest of the lines. */
  example: string;
  /** Alternately the index of a source and the lines of each of its hosts. */
  perSource: number[];
}

/** Lines of one field over all hosts. */
export interface LineTable {
  readonly exact: BoundedTable<LineShape>;
  /** Lines whose masked form fell to the bound, by the form's first words. */
  readonly coarse: BoundedTable<LineShape>;
  /** Lines that fell even to that bound. */
  lost: { count: number };
}

/** A table of no lines. */
export function emptyLineTable(): LineTable {
  const lost = { count: 0 };
  const rules = { weigh: () => 1, merge: mergeShapes };
  const coarse = new BoundedTable<LineShape>(coarseShapes, {
    ...rules,
    onEvict: (shape) => {
      lost.count += shape.count;
    },
  });
  const exact = new BoundedTable<LineShape>(exactShapes, {
    ...rules,
    onEvict: (shape, masked) => {
      if (shape.count > 0) addShape(coarse, coarsen(masked), shape);
    },
  });
  return { exact, coarse, lost };
}

/** Adds the lines that each host of a source gave. */
export function addLines(table: LineTable, lines: readonly string[], source: number, hostCount: number): void {
  const shapes = new Map<string, { count: number; example: string }>();
  for (const line of lines) {
    const masked = maskLine(line);
    const shape = shapes.get(masked);
    if (!shape) shapes.set(masked, { count: 1, example: line });
    else {
      shape.count++;
      if (line < shape.example) shape.example = line;
    }
  }
  for (const [masked, { count, example }] of shapes) {
    addShape(table.exact, masked, { count: count * hostCount, example, perSource: [source, count] });
  }
}

/** Adds another table, whose sources begin at the offset; the other one is used up. */
export function mergeLines(table: LineTable, other: LineTable, offset: number): void {
  for (const part of [other.exact, other.coarse]) {
    for (const [, shape] of part.entries()) shiftSources(shape.perSource, offset);
  }
  table.exact.merge(other.exact);
  table.coarse.merge(other.coarse);
  table.lost.count += other.lost.count;
}

/** Adds a shape to another one. */
export function mergeShapes(target: LineShape, added: LineShape): void {
  target.count += added.count;
  if (added.example < target.example) target.example = added.example;
  for (const value of added.perSource) target.perSource.push(value);
}

function addShape(table: BoundedTable<LineShape>, masked: string, added: LineShape): void {
  table.update(
    masked,
    () => ({ count: 0, example: added.example, perSource: [] }),
    (shape) => mergeShapes(shape, added),
  );
}

// The first two words: enough to tell the program's message from others, few enough to be bounded.
function coarsen(masked: string): string {
  return `${masked.split(" ", 2).join(" ").slice(0, 80)} <*>`;
}

function shiftSources(perSource: number[], offset: number): void {
  for (let index = 0; index < perSource.length; index += 2) perSource[index] = (perSource[index] ?? 0) + offset;
}
