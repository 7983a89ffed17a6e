// Option values of the command line, parsed into what the services take.
import { readFileSync } from "node:fs";
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
import { InvalidArgumentError } from "commander";
import { enumNames, enumNumber } from "../shared/enum-names.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { nearest } from "../shared/nearest.js";
import { type Operation, operations } from "../shared/operations.js";

/** "127.0.0.1:7600" or "[::1]:7600". */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) throw new InvalidArgumentError(`${text} is not HOST:PORT, such as 127.0.0.1:7600`);
  return { host: (match[1] ?? match[2]) as string, port };
}

/** Collects repeated "key=value" options. */
export function collectLabel(text: string, labels: Record<string, string>): Record<string, string> {
  const [key, value] = splitPair(text);
  return { ...labels, [key]: value };
}

/** Collects repeated values. */
export function collect(text: string, values: string[]): string[] {
  return [...values, text];
}

/** A positive number of seconds, or "5m", "24h", as milliseconds. */
export function parseSeconds(text: string): number {
  const milliseconds = readDuration(text);
  if (!(milliseconds > 0))
    throw new InvalidArgumentError(`${text} is not a positive number of seconds, such as 30 or 5m`);
  return milliseconds;
}

/** The same, or 0. */
export function parsePause(text: string): number {
  const milliseconds = readDuration(text);
  if (!(milliseconds >= 0))
    throw new InvalidArgumentError(`${text} is not a number of seconds from 0, such as 30 or 5m`);
  return milliseconds;
}

/** A whole number above 0. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError(`${text} is not a whole number above 0`);
  return Number(text);
}

/** A whole number from 0. */
export function parseIndex(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`${text} is not a whole number from 0`);
  return Number(text);
}

/** Text of the file that an option names. INVALID_ARGUMENT when it is missing or cannot be read. */
export function readOptionFile(option: string, path: string | undefined): string {
  const invalid = (problem: string, cause?: unknown) =>
    failure(ErrorReason.INVALID_ARGUMENT, `${option} ${problem}`, { metadata: { field: option }, cause });
  if (path === undefined) throw invalid("is needed too");
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(`${JSON.stringify(path)} cannot be read: ${(cause as Error).message}`, cause);
  }
}

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

const unitSeconds: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600 };

/** Milliseconds; NaN when the text is no duration. */
function readDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([smh]?)$/.exec(text);
  return Math.round(Number(match?.[1]) * (unitSeconds[match?.[2] ?? ""] ?? 1) * 1000);
}

function splitPair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`${JSON.stringify(text)} is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
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
