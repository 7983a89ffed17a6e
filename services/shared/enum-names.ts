// Enum values as callers write them: short and in lower case ("unused_dependencies").
import type { DescEnum } from "@bufbuild/protobuf";

/** Names of all values but the unspecified one, in the order of the proto. */
export function enumNames(schema: DescEnum): string[] {
  return schema.values.filter((value) => value.number !== 0).map((value) => shortName(schema, value.name));
}

/** The number of the value with this short name, whatever its case; undefined when there is none. */
export function enumNumber(schema: DescEnum, name: string): number | undefined {
  const wanted = name.toLowerCase();
  return schema.values.find((value) => value.number !== 0 && shortName(schema, value.name) === wanted)?.number;
}

/** The short name of a number; the number itself when this build does not know it. */
export function enumName(schema: DescEnum, number: number): string {
  const value = schema.value[number];
  return value ? shortName(schema, value.name) : String(number);
}

function shortName(schema: DescEnum, name: string): string {
  return name.toLowerCase().slice(schema.sharedPrefix?.length ?? 0);
}
