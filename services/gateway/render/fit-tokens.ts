// Keeps what goes into an agent's context within a budget, and counts what it leaves out.
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

/** Tokens of a text, or of a value's JSON, counted with o200k. Special-token text in host output is plain text here. */
export function tokensOf(value: unknown): number {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return countTokens(text, { disallowedSpecial: new Set() });
}

/** The first items that fit the budget together, and how many are left. */
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
