// The standard rules of protovalidate that are cheap to tell without it: for each a predicate of the value. A rule that is not
// here is protovalidate's alone. What a broken rule is called, and in which words, is protovalidate's in any case.
import { isFieldSet, type Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import * as rules from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** True for a value that keeps the rules; false when that is not sure. */
export type Predicate = (value: never) => boolean;

/** The rules of one type of value, as FieldRules has them. */
export type TypedRules = FieldRules["type"];

/** A predicate that is never sure. */
export const neverSure: Predicate = () => false;

/** By rule, what makes a predicate of its value. */
export type RuleTable = Readonly<Record<string, (limit: never) => Predicate>>;

const uuid = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

const stringRules: RuleTable = {
  minLen: (least: bigint) => (text: string) => countCharacters(text) >= least,
  // A text has at most as many characters as UTF-16 units.
  maxLen: (most: bigint) => (text: string) => text.length <= most || countCharacters(text) <= most,
  maxBytes: (most: bigint) => (text: string) => Buffer.byteLength(text) <= most,
  pattern: matches,
  uuid: (wanted: boolean) => (text: string) => wanted && uuid.test(text),
};

const bytesRules: RuleTable = {
  len: (length: bigint) => (bytes: Uint8Array) => BigInt(bytes.length) === length,
  minLen: (least: bigint) => (bytes: Uint8Array) => bytes.length >= least,
  maxLen: (most: bigint) => (bytes: Uint8Array) => bytes.length <= most,
};

const numberRules: RuleTable = {
  gt: (limit: number) => (value: number) => value > limit,
  gte: (limit: number) => (value: number) => value >= limit,
  lt: (limit: number) => (value: number) => value < limit,
  lte: (limit: number) => (value: number) => value <= limit,
};

const durationRules: RuleTable = {
  gt: (limit: ReflectMessage) => (value: Duration) => nanoseconds(value) > nanosecondsOf(limit),
  gte: (limit: ReflectMessage) => (value: Duration) => nanoseconds(value) >= nanosecondsOf(limit),
  lt: (limit: ReflectMessage) => (value: Duration) => nanoseconds(value) < nanosecondsOf(limit),
  lte: (limit: ReflectMessage) => (value: Duration) => nanoseconds(value) <= nanosecondsOf(limit),
};

/** Sure when every rule of the message is in the table of its type and kept. */
export function predicateOfRules(typed: TypedRules): Predicate {
  switch (typed.case) {
    case "string":
      return allOf(rules.StringRulesSchema, typed.value, stringRules);
    case "bytes":
      return allOf(rules.BytesRulesSchema, typed.value, bytesRules);
    case "uint32":
      return allOf(rules.UInt32RulesSchema, typed.value, numberRules);
    case "int32":
      return allOf(rules.Int32RulesSchema, typed.value, numberRules);
    case "double":
      return allOf(rules.DoubleRulesSchema, typed.value, numberRules);
    case "duration":
      return allOf(rules.DurationRulesSchema, typed.value, durationRules);
    default:
      return neverSure;
  }
}

/** Sure when all are. */
export function every(predicates: readonly Predicate[]): Predicate {
  const [only] = predicates;
  if (only && predicates.length === 1) return only;
  return (value) => {
    for (const predicate of predicates) if (!predicate(value)) return false;
    return true;
  };
}

/** Sure when every rule that the message sets is in the table, and kept. */
export function allOf(schema: Parameters<typeof reflect>[0], message: Message, table: RuleTable): Predicate {
  if (message.$unknown?.length) return neverSure;
  const reflected = reflect(schema, message);
  const set = schema.fields.filter((field) => isFieldSet(message, field));
  return every(set.map((field) => table[field.localName]?.(reflected.get(field) as never) ?? neverSure));
}

// The schema's patterns are plain RE2, of which JavaScript's are a superset where they compile for whole characters.
function matches(pattern: string): Predicate {
  try {
    const compiled = new RegExp(pattern, "u");
    return (text: string) => compiled.test(text);
  } catch {
    // Of RE2 alone.
    return neverSure;
  }
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function nanoseconds({ seconds, nanos }: Duration): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

function nanosecondsOf(limit: ReflectMessage): bigint {
  return nanoseconds(limit.message as Duration);
}
