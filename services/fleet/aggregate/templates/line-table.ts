// The exact multiset of masked lines: how often each came from which hosts. This is what is merged; the template tree is grown from it when
// it is rendered, so the templates do not depend on the order of merging.
import { BoundedTable } from "../bounded-table.js";
import { maskLine } from "./mask-line.js";

/** Distinct masked lines kept exactly. */
export const exactShapes = 20_000;
// Distinct beginnings kept of the masked lines beyond that: of two words, then of one.
const beginnings: ReadonlyArray<{ readonly words: number; readonly limit: number }> = [
  { words: 2, limit: 5_000 },
  { words: 1, limit: 1_000 },
];

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
  /** By masked line; then, of lines whose form fell to the bound, by the form's first two words; then by its first. */
  readonly levels: ReadonlyArray<BoundedTable<LineShape>>;
  /** Lines that fell even to the last bound. */
  readonly lost: { count: number };
}

/** A table of no lines. */
export function emptyLineTable(): LineTable {
  const lost = { count: 0 };
  const rules = { weigh: () => 1, merge: mergeShapes };
  const levels: Array<BoundedTable<LineShape>> = [];
  for (const { words, limit } of [...beginnings].reverse()) {
    const [next] = levels;
    levels.unshift(
      new BoundedTable<LineShape>(limit, {
        ...rules,
        onEvict: (shape, form) => fall(next, form, words - 1, shape, lost),
      }),
    );
  }
  const [next] = levels;
  const onEvict = (shape: LineShape, form: string) => fall(next, form, 2, shape, lost);
  return { levels: [new BoundedTable<LineShape>(exactShapes, { ...rules, onEvict }), ...levels], lost };
}

/** All shapes of all levels. */
export function shapesOf(table: LineTable): { exact: Array<[string, LineShape]>; coarse: Array<[string, LineShape]> } {
  // In this order: reading a level makes what is beyond its bound fall to the next one.
  const [exact = [], ...coarse] = table.levels.map((level) => level.entries());
  return { exact, coarse: coarse.flat() };
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
    addShape(table.levels[0] as BoundedTable<LineShape>, masked, {
      count: count * hostCount,
      example,
      perSource: [source, count],
    });
  }
}

/** Adds another table, whose sources begin at the offset; the other one is used up. */
export function mergeLines(table: LineTable, other: LineTable, offset: number): void {
  for (const level of other.levels) {
    for (const [, shape] of level.entries()) shiftSources(shape.perSource, offset);
  }
  for (const [index, level] of table.levels.entries()) level.merge(other.levels[index] as BoundedTable<LineShape>);
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

// The first words tell one program's messages from another's, and there are few enough of them to be bounded.
function fall(
  next: BoundedTable<LineShape> | undefined,
  form: string,
  words: number,
  shape: LineShape,
  lost: { count: number },
): void {
  if (next) addShape(next, `${form.split(" ", words).join(" ").slice(0, 80)} <*>`, shape);
  else lost.count += shape.count;
}

function shiftSources(perSource: number[], offset: number): void {
  for (let index = 0; index < perSource.length; index += 2) perSource[index] = (perSource[index] ?? 0) + offset;
}
