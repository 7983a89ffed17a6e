// A look at a message that sees at once when it keeps the rules of its schema. What it does not understand, or what breaks a rule, is
// not surely valid: protovalidate then has the word. Most messages are valid, and for them that is a twentieth of the work.
import { type DescField, type DescMessage, type DescOneof, getOption, type Message } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import * as options from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { predicateOfField } from "./field-predicate.js";
import { every, neverSure, type Predicate } from "./rule-predicates.js";

type Check = (message: Message) => boolean;

const checks = new WeakMap<DescMessage, Check>();

/** False when protovalidate has to be asked. */
export function isSurelyValid(schema: DescMessage, message: Message): boolean {
  return checkOf(schema)(message);
}

function checkOf(schema: DescMessage): Check {
  const known = checks.get(schema);
  if (known) return known;
  // Messages may contain their own type.
  checks.set(schema, (message) => check(message));
  const check = compileMessage(schema);
  checks.set(schema, check);
  return check;
}

function compileMessage(schema: DescMessage): Check {
  // They have no rules of their own, and some of them are no messages in JavaScript.
  if (schema.file.proto.package === "google.protobuf") return () => true;
  const { cel, celExpression, oneof, $unknown } = getOption(schema, options.message);
  if (cel.length + celExpression.length + oneof.length > 0 || $unknown?.length) return neverSure as Check;
  return every([...schema.oneofs.map(compileOneof), ...schema.fields.flatMap(compileField)] as Predicate[]) as Check;
}

function compileOneof(oneof: DescOneof): Check {
  const { required } = getOption(oneof, options.oneof);
  return (message) => !required || (fieldsOf(message)[oneof.localName] as { case?: string }).case !== undefined;
}

function compileField(field: DescField): Check[] {
  const rules = getOption(field, options.field);
  const { required } = rules;
  const value = predicateOfField(field, rules, (inner) => checkOf(inner) as Predicate);
  if (!value && !required) return [];
  const { localName, oneof } = field;
  if (required && (field.fieldKind === "list" || field.fieldKind === "map")) return [neverSure as Check];
  const keeps = (found: unknown) => !value || value(found as never);
  if (oneof) return [(message) => keepsOneof(fieldsOf(message)[oneof.localName], localName, keeps, required)];
  const always = field.presence === FeatureSet_FieldPresence.IMPLICIT;
  if (required && always) return [neverSure as Check];
  return [(message) => keepsField(fieldsOf(message)[localName], keeps, required)];
}

function keepsOneof(
  chosen: unknown,
  localName: string,
  keeps: (value: unknown) => boolean,
  required: boolean,
): boolean {
  const { case: name, value } = chosen as { case?: string; value?: unknown };
  return name === localName ? keeps(value) : !required;
}

// Undefined is only what has presence.
function keepsField(value: unknown, keeps: (value: unknown) => boolean, required: boolean): boolean {
  return value === undefined ? !required : keeps(value);
}

function fieldsOf(message: Message): Record<string, unknown> {
  return message as unknown as Record<string, unknown>;
}
