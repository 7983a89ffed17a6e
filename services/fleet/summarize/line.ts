// Lines of a summary's text.
import { showCount } from "./show-value.js";

/** One line, and how much it tells. */
export interface Line {
  readonly text: string;
  /** Statements (or entries) told; what is counted as left out when the line does not fit. */
  readonly tells: number;
}

/** A line that tells one thing. */
export function lineOf(text: string, tells = 1): Line {
  return { text, tells };
}

/** "a, b and 12 more". */
export function listSome(names: readonly string[], most: number, separator = ", "): string {
  const shown = names.slice(0, most);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(separator)} and ${showCount(more)} more` : shown.join(separator);
}

/** The items in groups of so many. */
export function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
