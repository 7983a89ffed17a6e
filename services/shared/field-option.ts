// Options of proto fields. Protobuf decodes one anew each time it is asked for; what is asked for with every answer is decoded once.
import { type DescField, getOption } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import type { FieldOptions } from "@bufbuild/protobuf/wkt";

/** A reader of this option. What it gives for a field is the same each time: nobody may change it. */
export function fieldOption<Value>(option: GenExtension<FieldOptions, Value>): (field: DescField) => Value {
  const known = new WeakMap<DescField, { readonly value: Value }>();
  return (field) => {
    const former = known.get(field);
    if (former) return former.value;
    const value = getOption(field, option) as Value;
    known.set(field, { value });
    return value;
  };
}
