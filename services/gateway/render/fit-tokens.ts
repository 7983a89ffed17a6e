// Keeps what goes into an agent's context within a budget, and counts what it leaves out.
import { countTokens } from "../../shared/count-tokens.js";

/** Tokens of a text, or of a value's JSON, counted with o200k. */
export function tokensOf(value: unknown): number {
  return countTokens(typeof value === "string" ? value : JSON.stringify(value));
}

/** The first items that fit the budget together, what they cost, and how many are left. */
export function takeWithin<Item>(
  items: readonly Item[],
  budget: number,
): { taken: Item[]; left: number; tokens: number } {
  let tokens = 0;
  for (const [index, item] of items.entries()) {
    const cost = tokensOf(item) + 1;
    if (tokens + cost > budget) return { taken: items.slice(0, index), left: items.length - index, tokens };
    tokens += cost;
  }
  return { taken: [...items], left: 0, tokens };
}

/**
 * A page whose items fit the budget, at least one of them. A page that is too long is asked for again, shorter, so that
 * its token goes on where what is shown ends.
 */
export async function fetchFittingPage<Page>(
  fetch: (pageSize: number) => Promise<Page>,
  { pageSize, budget, itemsOf }: { pageSize: number; budget: number; itemsOf: (page: Page) => readonly unknown[] },
): Promise<Page> {
  const page = await fetch(pageSize);
  const { taken, left } = takeWithin(itemsOf(page), budget);
  return left > 0 ? fetch(Math.max(taken.length, 1)) : page;
}
