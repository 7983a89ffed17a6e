// Operations and their requests as they are written on the command line.
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { enumNames, enumNumber } from "../shared/enum-names.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { nearest } from "../shared/nearest.js";
import { type Operation, operations } from "../shared/operations.js";
import { splitPair } from "./option-values.js";

/** Command-line name of an operation: "list-services". */
export function operationVerb(operation: Operation): string {
  return operation.method.name.replace(/(?<!^)([A-Z])/g, "-$1").toLowerCase();
}

/** The operation with this command-line name. Throws UNKNOWN_OPERATION with the nearest ones. */
export function operationByVerb(verb: string): Operation {
  const byVerb = new Map([...operations.values()].map((operation) => [operationVerb(operation), operation]));
  const found = byVerb.get(verb);
  if (found) return found;
  const candidates = nearest(verb, [...byVerb.keys()]);
  throw failure(ErrorReason.UNKNOWN_OPERATION, `no operation is named ${JSON.stringify(verb)}`, {
    metadata: { method: verb, nearest: candidates.join(",") },
    remedy: `use one of ${candidates.join(", ")}`,
  });
}

/** Encodes a request from "field=value" pairs; lists are separated by commas, enums written by their last words. */
export function encodeRequest(schema: DescMessage, pairs: readonly string[]): Uint8Array {
  const json: JsonObject = {};
  for (const pair of pairs) {
    const [name, value] = splitPair(pair);
    const field = schema.fields.find((candidate) => candidate.name === name || candidate.jsonName === name);
    if (!field) throw unknownField(schema, name);
    json[field.name] = fieldValue(field, value);
  }
  try {
    return toBinary(schema, fromJson(schema, json));
  } catch (cause) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `invalid request: ${(cause as Error).message}`, { cause });
  }
}

function unknownField(schema: DescMessage, name: string): Error {
  const candidates = nearest(
    name,
    schema.fields.map((field) => field.name),
  );
  return failure(ErrorReason.INVALID_ARGUMENT, `${schema.name} has no field ${JSON.stringify(name)}`, {
    metadata: { field: name },
    remedy: candidates.length > 0 ? `use one of ${candidates.join(", ")}` : "it takes no fields",
  });
}

function fieldValue(field: DescField, text: string): JsonValue {
  if (field.fieldKind !== "list") return singleValue(field, text);
  return text.split(",").map((item) => singleValue(field, item));
}

function singleValue(field: DescField, text: string): JsonValue {
  if (field.enum) return enumValue(field.name, field.enum, text);
  if (field.scalar === ScalarType.BOOL) return text === "true" ? true : text === "false" ? false : text;
  return text;
}

function enumValue(field: string, schema: DescEnum, text: string): number {
  const number = enumNumber(schema, text.replaceAll("-", "_"));
  if (number !== undefined) return number;
  throw failure(ErrorReason.INVALID_ARGUMENT, `${field} cannot be ${JSON.stringify(text)}`, {
    metadata: { field },
    remedy: `use one of ${enumNames(schema).join(", ")}`,
  });
}
