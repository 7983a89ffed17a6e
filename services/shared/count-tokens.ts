// Tokens as o200k counts them.
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import { O200KBase } from "gpt-tokenizer/encodingParams/o200k_base";

// Host text may spell a special token; it is text like any other.
const asPlainText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

// The encoding cuts a text into pieces, and no token spans two of them. Most pieces are words that were counted before.
const { tokenSplitRegex } = O200KBase([]);
const tokensOfPiece = new Map<string, number>();
const maxKnownPieces = 20_000;
const maxKnownLength = 64;

/**
 * Tokens of a text. Lines that begin with a letter, a digit, a quote or a blank and end with a line feed count the same alone as together, so
 * a text can be counted line by line.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  for (const piece of text.match(tokenSplitRegex) ?? []) tokens += tokensOfPiece.get(piece) ?? countPiece(piece);
  return tokens;
}

/** No text has more tokens than bytes: whoever only wants to know whether many texts fit need not count one that is short enough. */
export function mostTokens(text: string): number {
  return Buffer.byteLength(text);
}

function countPiece(piece: string): number {
  const tokens = countO200k(piece, asPlainText);
  if (piece.length > maxKnownLength) return tokens;
  if (tokensOfPiece.size >= maxKnownPieces) tokensOfPiece.clear();
  // A piece is a slice, which would keep the text that it was cut from.
  tokensOfPiece.set(Buffer.from(piece).toString(), tokens);
  return tokens;
}
