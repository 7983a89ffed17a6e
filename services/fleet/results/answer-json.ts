// A stored answer as protobuf JSON that is safe to show: cleaned, redacted, filtered by a pattern, cut to a size. Patterns see
// what is shown and nothing else, so that nobody can search for a secret that was redacted.
import { type DescMessage, fromBinary, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { cleanMessage } from "../../shared/clean-message.js";

/** Tells whether a text matches. */
export type Matcher = (text: string) => boolean;

/** JSON and how many list elements were taken out of it. */
export interface Shortened {
  readonly json: JsonObject;
  readonly removed: number;
}

/** The whole answer, cleaned and redacted. */
export function readAnswer(schema: DescMessage, body: Uint8Array): JsonObject {
  return toJson(schema, cleanMessage(schema, fromBinary(schema, body))) as JsonObject;
}

/**
 * Keeps the rows (elements of lists) and the fields outside lists whose text matches. The text of a row is all its values,
 * joined with spaces.
 */
export function filterAnswer(json: JsonObject, matches: Matcher): Shortened {
  let removed = 0;
  const keep = (value: JsonValue): JsonValue | undefined => {
    if (Array.isArray(value)) {
      const rows = value.filter((row) => matches(textOf(row)));
      removed += value.length - rows.length;
      return rows.length > 0 ? rows : undefined;
    }
    if (typeof value !== "object" || value === null) return matches(textOf(value)) ? value : undefined;
    const fields = Object.entries(value).flatMap(([name, field]) => {
      const kept = keep(field);
      return kept === undefined ? [] : [[name, kept] as const];
    });
    return fields.length > 0 ? Object.fromEntries(fields) : undefined;
  };
  const kept = keep(json);
  return { json: (kept ?? {}) as JsonObject, removed };
}

/** Takes elements off the ends of the longest lists until the JSON has at most so many bytes. */
export function shortenAnswer(json: JsonObject, maxBytes: number): Shortened {
  let size = sizeOf(json);
  if (size <= maxBytes) return { json, removed: 0 };
  const copy = structuredClone(json);
  const lists = findLists(copy);
  let removed = 0;
  while (size > maxBytes) {
    const largest = lists.filter((list) => list.length > 0).sort((a, b) => sizeOf(b) - sizeOf(a))[0];
    if (!largest) break;
    const share = (size - maxBytes) / Math.max(1, sizeOf(largest));
    const count = Math.min(largest.length, Math.max(1, Math.ceil(largest.length * Math.min(1, share))));
    largest.length -= count;
    removed += count;
    size = sizeOf(copy);
  }
  return { json: copy, removed };
}

/** Bytes of a JSON value as text. */
export function sizeOf(json: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(json));
}

// Lists outside rows: a row is shown whole or not at all.
function findLists(value: JsonValue): JsonValue[][] {
  if (Array.isArray(value)) return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(findLists);
}

function textOf(value: JsonValue): string {
  if (Array.isArray(value)) return value.map(textOf).join(" ");
  if (typeof value === "object" && value !== null) return Object.values(value).map(textOf).join(" ");
  return String(value);
}
