// Field values as text (for grouping and keys) and as numbers (for sums, quantiles and greatest values).
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { type Duration, type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { enumName } from "../../shared/enum-names.js";
import { cleanText, cleanUntrusted } from "../../shared/untrusted-text.js";

/** How a value is read: as what it is, by its enum's names, or as one of the well-known types that stand for one value. */
export type ValueKind = "text" | "number" | "bytes" | "timestamp" | "duration" | "wrapper" | "message" | DescEnum;

/** Longest value that is grouped or shown; what is longer is cut and says so. */
export const maxValueLength = 256;

/** What kind of value a field, or an element of it, has. */
export function valueKindOf(field: DescField): ValueKind {
  if (field.enum) return field.enum;
  if (field.message) return messageKind(field.message);
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BOOL:
      return "text";
    case ScalarType.BYTES:
      return "bytes";
    default:
      return "number";
  }
}

/** The value as text: enum values as short lower-case names, times as ISO 8601, everything cleaned and capped. */
export function textOf(value: unknown, kind: ValueKind, isUntrusted: boolean): string {
  if (typeof kind === "object") return enumName(kind, value as number);
  if (typeof value === "string") return (isUntrusted ? cleanUntrusted : cleanText)(value, maxValueLength);
  if (kind === "bytes") return cleanText(Buffer.from(value as Uint8Array).toString("hex"), maxValueLength);
  if (kind === "timestamp") return timestampText(value as Timestamp);
  if (kind === "wrapper") return textOf((value as { value?: unknown }).value ?? value, "text", isUntrusted);
  const number = kind === "duration" ? numberOf(value, kind) : value;
  return String(number);
}

/** The value as a number: times as seconds since 1970, durations as seconds; undefined when it is no finite number. */
export function numberOf(value: unknown, kind: ValueKind): number | bigint | undefined {
  if (kind === "timestamp") return timestampMs(value as Timestamp) / 1000;
  if (kind === "duration") return Number((value as Duration).seconds) + (value as Duration).nanos / 1e9;
  const plain = kind === "wrapper" && typeof value === "object" ? (value as { value: unknown }).value : value;
  if (typeof plain === "bigint") return plain;
  if (typeof plain === "boolean") return plain ? 1 : 0;
  // Adding 0 makes one zero of the two, which would else depend on who came first.
  return typeof plain === "number" && Number.isFinite(plain) ? plain + 0 : undefined;
}

function messageKind(message: DescMessage): ValueKind {
  if (message.typeName === "google.protobuf.Timestamp") return "timestamp";
  if (message.typeName === "google.protobuf.Duration") return "duration";
  return /^google\.protobuf\.(?:Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/.test(message.typeName)
    ? "wrapper"
    : "message";
}

function timestampText(value: Timestamp): string {
  const date = timestampDate(value);
  // A host can send a time that no calendar has.
  return Number.isNaN(date.getTime()) ? `${value.seconds} s` : date.toISOString();
}
