// What a field's rules say of its value: one value, or the many of a list or a map.
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { ReflectList, ReflectMessage } from "@bufbuild/protobuf/reflect";
import {
  EnumRulesSchema,
  type FieldRules,
  MapRulesSchema,
  RepeatedRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { allOf, every, neverSure, type Predicate, predicateOfRules, type RuleTable } from "./rule-predicates.js";

/** The predicate of messages of this type. */
export type CheckMessage = (schema: DescMessage) => Predicate;

// What a value is, when it is no scalar.
interface ValueType {
  readonly message?: DescMessage | undefined;
  readonly enum?: DescEnum | undefined;
}

/** Undefined for a field that may have any value. */
export function predicateOfField(field: DescField, rules: FieldRules, check: CheckMessage): Predicate | undefined {
  if (!isUnderstood(rules)) return neverSure;
  if (field.fieldKind === "list" || field.fieldKind === "map") return predicateOfMany(field, rules, check);
  if (rules.type.case !== undefined) return predicateOfValue(field, rules);
  return field.message ? check(field.message) : undefined;
}

// Nothing but `required` and the rules of one type.
function isUnderstood({ ignore, cel, celExpression, $unknown }: FieldRules): boolean {
  return ignore === 0 && cel.length + celExpression.length === 0 && !$unknown?.length;
}

function predicateOfMany(type: ValueType, { type: typed }: FieldRules, check: CheckMessage): Predicate | undefined {
  const { message } = type;
  const nested = message ? [allValues(check(message))] : [];
  if (typed.case === undefined) return message ? every(nested) : undefined;
  if (typed.case === "repeated") return every([allOf(RepeatedRulesSchema, typed.value, listRules(type)), ...nested]);
  if (typed.case === "map") return every([allOf(MapRulesSchema, typed.value, mapRules(type)), ...nested]);
  return neverSure;
}

function predicateOfValue(type: ValueType, rules: FieldRules): Predicate {
  const { type: typed } = rules;
  if (typed.case !== "enum") return predicateOfRules(typed);
  return type.enum ? allOf(EnumRulesSchema, typed.value, enumRules(type.enum)) : neverSure;
}

// Of a list or a map, where nothing is left out.
function predicateOfItem(type: ValueType, rules: FieldRules): Predicate {
  return rules.required || !isUnderstood(rules) ? neverSure : predicateOfValue(type, rules);
}

function enumRules(schema: DescEnum): RuleTable {
  return {
    definedOnly: (wanted: boolean) => (value: number) => !wanted || schema.value[value] !== undefined,
    notIn: (refused: ReflectList) => (value: number) => ![...refused].includes(value),
  };
}

function listRules(item: ValueType): RuleTable {
  return {
    minItems: (least: bigint) => (list: unknown[]) => list.length >= least,
    maxItems: (most: bigint) => (list: unknown[]) => list.length <= most,
    // Bytes and messages that look the same are different objects.
    unique: (wanted: boolean) => (list: unknown[]) =>
      !wanted || (list.every((each) => typeof each !== "object") && new Set(list).size === list.length),
    items: (rules: ReflectMessage) => allValues(predicateOfItem(item, rules.message as FieldRules)),
  };
}

function mapRules(value: ValueType): RuleTable {
  return {
    minPairs: (least: bigint) => (map: object) => Object.keys(map).length >= least,
    maxPairs: (most: bigint) => (map: object) => Object.keys(map).length <= most,
    keys(rules: ReflectMessage) {
      const keeps = stringKeys(predicateOfItem({}, rules.message as FieldRules), rules.message as FieldRules);
      return (map: object) => (Object.keys(map) as never[]).every(keeps);
    },
    values: (rules: ReflectMessage) => allValues(predicateOfItem(value, rules.message as FieldRules)),
  };
}

// The keys of a JavaScript object are texts whatever they are in the schema.
function stringKeys(predicate: Predicate, { type }: FieldRules): Predicate {
  return type.case === "string" ? predicate : neverSure;
}

// Of a list or a map.
function allValues(predicate: Predicate): Predicate {
  return (many: object) => (Object.values(many) as never[]).every(predicate);
}
