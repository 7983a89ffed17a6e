// Proto messages as compact structured content: snake_case names, short enum names, plain numbers, nothing that is
// empty.
import type { DescEnum, DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  isReflectList,
  isReflectMap,
  isReflectMessage,
  type ReflectMessage,
  reflect,
} from "@bufbuild/protobuf/reflect";
import { type Duration, durationMs, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { ErrorReasonSchema } from "../gen/systemsmanager/errors/v1/error_reason_pb.js";
import { enumName } from "./enum-names.js";
import { reasonName } from "./errors.js";

/** A JSON object of structured content. */
export type Structure = Record<string, unknown>;

// A measurement of zero and an empty value are facts.
const alwaysShown = new Set(["value", "sum", "min", "p50", "p90", "p99", "max"]);

/** The set fields of a message, without those named in leaveOut (of the outermost message alone). */
export function structureOf<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  leaveOut: readonly string[] = [],
): Structure {
  return fieldsOf(reflect(schema, message), leaveOut);
}

function fieldsOf(message: ReflectMessage, leaveOut: readonly string[]): Structure {
  const structure: Structure = {};
  for (const field of message.fields) {
    const shown = message.isSet(field) || (field.fieldKind === "scalar" && alwaysShown.has(field.name));
    if (shown && !leaveOut.includes(field.name)) structure[field.name] = structureValue(field, message.get(field));
  }
  return withoutRepeatedRemedy(structure);
}

/** Messages of errors end with their remedy, for those who see the message alone; here it has a place of its own. */
export function withoutRepeatedRemedy(structure: Structure): Structure {
  const { message, remedy } = structure;
  if (typeof message !== "string" || typeof remedy !== "string" || remedy === "") return structure;
  const tail = `; ${remedy}`;
  return message.endsWith(tail) ? { ...structure, message: message.slice(0, -tail.length) } : structure;
}

function structureValue(field: DescField, value: unknown): unknown {
  if (isReflectList(value)) return [...value].map((item) => structureValue(field, item));
  if (isReflectMap(value))
    return Object.fromEntries([...value].map(([key, item]) => [String(key), structureValue(field, item)]));
  if (isReflectMessage(value)) return messageValue(value);
  if (field.enum && typeof value === "number") return enumValue(field.enum, value);
  if (typeof value === "bigint") return Number(value);
  // Six digits are more than any quantile is exact to, and fewer tokens.
  if (typeof value === "number" && !Number.isInteger(value)) return Number(value.toPrecision(6));
  return value;
}

/** Reasons are written as errors write them: "UNKNOWN_UNIT". */
function enumValue(schema: DescEnum, value: number): string {
  return schema.typeName === ErrorReasonSchema.typeName ? reasonName(value) : enumName(schema, value);
}

function messageValue(message: ReflectMessage): unknown {
  if (message.desc.typeName === "google.protobuf.Timestamp")
    return timestampDate(message.message as Timestamp).toISOString();
  if (message.desc.typeName === "google.protobuf.Duration") return durationMs(message.message as Duration) / 1000;
  return fieldsOf(message, []);
}
