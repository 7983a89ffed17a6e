// JSON Schema of a proto field, from its descriptor and its protovalidate rules.
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import {
  type FieldRules,
  field as fieldRules,
  type RepeatedRules,
  type StringRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { enumNames } from "../../shared/enum-names.js";
import { fieldOption } from "../../shared/field-option.js";

const rulesOf = fieldOption(fieldRules);

/** The part of JSON Schema that tool arguments need. */
export interface PropertySchema {
  readonly type: "string" | "integer" | "number" | "boolean" | "array";
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: PropertySchema;
}

/** How a field is written in a tool call. Times are text: RFC 3339 or an age. */
export function propertySchema(field: DescField): PropertySchema {
  const rules = rulesOf(field);
  if (field.fieldKind === "list") return listSchema(field, rules);
  if (field.fieldKind === "enum") return { type: "string", enum: enumNames(field.enum) };
  if (field.fieldKind === "message") return { type: "string" };
  if (field.fieldKind === "scalar") return scalarSchema(field.scalar, rules);
  throw new Error(`${field} is a ${field.fieldKind}: no tool argument can be made of it`);
}

/** True when the rules refuse the value that an absent field has. */
export function isRequired(field: DescField): boolean {
  const rules = rulesOf(field);
  const type = rules.type;
  if (rules.required) return true;
  if (type.case === "repeated") return type.value.minItems > 0n;
  if (type.case === "enum") return type.value.notIn.includes(0);
  if (type.case !== "string" || field.oneof) return false;
  return type.value.minLen > 0n || (type.value.pattern !== "" && !new RegExp(type.value.pattern, "u").test(""));
}

function listSchema(field: DescField & { fieldKind: "list" }, rules: FieldRules): PropertySchema {
  const repeated = rules.type.case === "repeated" ? rules.type.value : undefined;
  return {
    type: "array",
    ...(repeated && repeated.minItems > 0n ? { minItems: Number(repeated.minItems) } : {}),
    ...(repeated && repeated.maxItems > 0n ? { maxItems: Number(repeated.maxItems) } : {}),
    items: itemSchema(field, repeated),
  };
}

function itemSchema(field: DescField & { fieldKind: "list" }, rules: RepeatedRules | undefined): PropertySchema {
  if (field.listKind === "enum") return { type: "string", enum: enumNames(field.enum) };
  if (field.listKind === "scalar") return scalarSchema(field.scalar, rules?.items);
  throw new Error(`${field} is a list of messages: no tool argument can be made of it`);
}

function scalarSchema(scalar: ScalarType, rules: FieldRules | undefined): PropertySchema {
  if (scalar === ScalarType.STRING) return { type: "string", ...stringLimits(rules) };
  if (scalar === ScalarType.BOOL) return { type: "boolean" };
  if (scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT) return { type: "number" };
  const unsigned = scalar === ScalarType.UINT32 || scalar === ScalarType.UINT64;
  return { type: "integer", ...(unsigned ? { minimum: 0 } : {}), ...numberLimits(rules) };
}

function stringLimits(rules: FieldRules | undefined): Partial<PropertySchema> {
  if (rules?.type.case !== "string") return {};
  const { pattern, minLen, maxLen }: StringRules = rules.type.value;
  if (pattern !== "") return { pattern };
  return {
    ...(minLen > 1n ? { minLength: Number(minLen) } : {}),
    ...(maxLen > 0n ? { maxLength: Number(maxLen) } : {}),
  };
}

function numberLimits(rules: FieldRules | undefined): Partial<PropertySchema> {
  const type = rules?.type;
  if (type?.case !== "uint32" && type?.case !== "int32") return {};
  const { lessThan, greaterThan } = type.value;
  return {
    ...(greaterThan.case === "gte" ? { minimum: greaterThan.value } : {}),
    ...(greaterThan.case === "gt" ? { minimum: greaterThan.value + 1 } : {}),
    ...(lessThan.case === "lte" ? { maximum: lessThan.value } : {}),
  };
}
