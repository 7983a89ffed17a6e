// Tokens as o200k counts them.
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";

// Host text may spell a special token; it is text like any other.
const asPlainText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

/**
 * Tokens of a text. Lines that begin with a letter, a digit, a quote or a blank and end with a line feed count the same alone as together, so
 * a text can be counted line by line.
 */
export function countTokens(text: string): number {
  return countO200k(text, asPlainText);
}
