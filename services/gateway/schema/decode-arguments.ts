// Tool arguments into the fields of a proto message. Every refusal names the argument, its value and what would do.
import { create, type DescField, type DescMessage, getOption, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { oneof as oneofRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { enumNumber } from "../../shared/enum-names.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { nearest } from "../../shared/nearest.js";
import { cleanText } from "../../shared/untrusted-text.js";
import { validate } from "../../shared/validation.js";
import { isRequired, type PropertySchema, propertySchema } from "./json-schema.js";
import { parseTime } from "./parse-time.js";

/** Arguments of a tool call, as parsed from JSON. */
export type Arguments = Readonly<Record<string, unknown>>;

/** Throws INVALID_ARGUMENT when an argument has none of these names. */
export function refuseUnknown(given: Arguments, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const candidates = nearest(unknown, known);
  throw failure(ErrorReason.INVALID_ARGUMENT, `there is no argument ${JSON.stringify(unknown)}`, {
    metadata: { field: unknown, nearest: candidates.join(",") },
    remedy: candidates.length > 0 ? `use one of ${candidates.join(", ")}` : "this tool takes no arguments",
  });
}

/** Makes the message from the arguments that have its fields' names. Throws INVALID_ARGUMENT. */
export function decodeArguments<Desc extends DescMessage>(
  schema: Desc,
  fields: readonly DescField[],
  given: Arguments,
): MessageShape<Desc> {
  checkChoices(schema, fields, given);
  const message = create(schema);
  const target = reflect(schema, message);
  for (const field of fields) {
    const value = given[field.name];
    if (value === undefined && !isRequired(field)) continue;
    checkValue(field.name, value, propertySchema(field));
    if (field.fieldKind === "list") {
      const list = target.get(field);
      for (const item of value as unknown[]) list.add(scalarValue(field, item));
    } else {
      target.set(field, scalarValue(field, value) as never);
    }
  }
  validate(schema, message);
  return message;
}

/** Of the fields of a oneof exactly one, or where none is allowed at most one, may be given. */
function checkChoices(schema: DescMessage, fields: readonly DescField[], given: Arguments): void {
  for (const choice of schema.oneofs) {
    const names = choice.fields.filter((field) => fields.includes(field)).map(({ name }) => name);
    const chosen = names.filter((name) => given[name] !== undefined);
    const least = names.length > 0 && getOption(choice, oneofRules).required ? 1 : 0;
    if (chosen.length >= least && chosen.length <= 1) continue;
    const problem =
      chosen.length === 0 ? `none of ${names.join(", ")} is given` : `${chosen.join(" and ")} exclude each other`;
    throw failure(ErrorReason.INVALID_ARGUMENT, problem, {
      metadata: { field: names.join(",") },
      remedy: `give ${least === 1 ? "exactly" : "at most"} one of ${names.join(", ")}`,
    });
  }
}

/** Throws INVALID_ARGUMENT unless the value fits the schema. */
export function checkValue(name: string, value: unknown, schema: PropertySchema): void {
  if (schema.type === "array") {
    if (!Array.isArray(value)) throw wrongArgument(name, value, `give a list, such as [${exampleOf(schema.items)}]`);
    if (value.length > (schema.maxItems ?? Infinity) || value.length < (schema.minItems ?? 0)) {
      throw wrongArgument(name, value, `give ${schema.minItems ?? 0} to ${schema.maxItems ?? "any number of"} items`);
    }
    for (const [index, item] of value.entries()) checkValue(`${name}[${index}]`, item, schema.items as PropertySchema);
  } else if (schema.type === "string") checkString(name, value, schema);
  else if (schema.type === "boolean" && typeof value !== "boolean")
    throw wrongArgument(name, value, "give true or false");
  else if (schema.type === "integer" || schema.type === "number") checkNumber(name, value, schema);
}

function checkString(name: string, value: unknown, schema: PropertySchema): void {
  if (schema.enum) checkEnum(name, value, schema.enum);
  if (typeof value !== "string") throw wrongArgument(name, value, "give a string");
  if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) {
    throw wrongArgument(name, value, `give text that matches ${schema.pattern}`);
  }
  if (value.length > (schema.maxLength ?? Infinity))
    throw wrongArgument(name, value, `give at most ${schema.maxLength} characters`);
}

function checkEnum(name: string, value: unknown, choices: readonly string[]): void {
  if (typeof value === "string" && choices.includes(value.toLowerCase())) return;
  const candidates = typeof value === "string" ? nearest(value, choices) : [];
  throw wrongArgument(name, value, `use one of ${choices.join(", ")}`, candidates);
}

function checkNumber(name: string, value: unknown, schema: PropertySchema): void {
  const whole = schema.type === "integer";
  const minimum = schema.minimum ?? -Infinity;
  const maximum = schema.maximum ?? Infinity;
  if (typeof value === "number" && (!whole || Number.isSafeInteger(value)) && value >= minimum && value <= maximum)
    return;
  const kind = whole ? "a whole number" : "a number";
  const range = maximum === Infinity ? `from ${minimum} on` : `from ${minimum} to ${maximum}`;
  throw wrongArgument(
    name,
    value,
    minimum === -Infinity && maximum === Infinity ? `give ${kind}` : `give ${kind} ${range}`,
  );
}

function scalarValue(field: DescField, value: unknown): unknown {
  if (field.enum) return enumNumber(field.enum, value as string);
  if (field.message) {
    const time = parseTime(value as string);
    if (time === undefined)
      throw wrongArgument(
        field.name,
        value,
        'give RFC 3339 ("2026-07-28T12:00:00Z") or an age ("90s", "15m", "2h", "7d")',
      );
    return reflect(field.message, time);
  }
  const wide = field.scalar === ScalarType.UINT64 || field.scalar === ScalarType.INT64;
  return wide ? BigInt(value as number) : value;
}

/** The refusal of a value, or of its absence, with what to give instead. */
export function wrongArgument(name: string, value: unknown, remedy: string, candidates: readonly string[] = []): Error {
  const shown = cleanText(JSON.stringify(value) ?? "", 200);
  const problem = value === undefined ? `argument ${name} is missing` : `argument ${name} cannot be ${shown}`;
  return failure(ErrorReason.INVALID_ARGUMENT, problem, {
    metadata: { field: name, ...(candidates.length > 0 ? { nearest: candidates.join(",") } : {}) },
    remedy,
  });
}

function exampleOf(schema: PropertySchema | undefined): string {
  if (schema?.type === "integer" || schema?.type === "number") return "1";
  return JSON.stringify(schema?.enum?.[0] ?? "text");
}
