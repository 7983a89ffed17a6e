// A whole answer made safe to show, driven by its descriptor.
import { clone, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { untrusted } from "../gen/systemsmanager/options/v1/options_pb.js";
import { fieldOption } from "./field-option.js";
import { redactArguments } from "./redact-secrets.js";
import { cleanText, cleanUntrusted, defaultMaxLength } from "./untrusted-text.js";

const isUntrusted = fieldOption(untrusted);

/**
 * A copy of the message with every string cleaned and capped, and secrets redacted in every field marked untrusted. Nested messages, lists
 * and maps included; map keys are left as they are.
 */
export function cleanMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  maxLength = defaultMaxLength,
): MessageShape<Desc> {
  const copy = clone(schema, message);
  cleanFields(reflect(schema, copy), maxLength);
  return copy;
}

function cleanFields(message: ReflectMessage, maxLength: number): void {
  for (const field of message.fields) {
    if (message.isSet(field)) cleanField(message, field, maxLength);
  }
}

function cleanField(message: ReflectMessage, field: DescField, maxLength: number): void {
  const clean = isUntrusted(field) ? cleanUntrusted : cleanText;
  if (field.fieldKind === "scalar") {
    const value = message.get(field);
    if (typeof value === "string") message.set(field, clean(value, maxLength));
  } else if (field.fieldKind === "message") {
    const nested = message.get(field);
    cleanFields(nested, maxLength);
    message.set(field, nested);
  } else if (field.fieldKind === "list") {
    cleanList(message, field, clean, maxLength);
  } else if (field.fieldKind === "map") {
    const map = message.get(field);
    for (const [key, value] of map) {
      if (typeof value === "string") map.set(key, clean(value, maxLength));
      else if (field.mapKind === "message") cleanFields(value as ReflectMessage, maxLength);
    }
  }
}

function cleanList(
  message: ReflectMessage,
  field: DescField & { fieldKind: "list" },
  clean: typeof cleanText,
  maxLength: number,
): void {
  const list = message.get(field);
  if (field.listKind === "message") {
    for (const item of list) cleanFields(item as ReflectMessage, maxLength);
    return;
  }
  const values = [...list];
  if (!values.every((value) => typeof value === "string")) return;
  const shown = clean === cleanUntrusted ? redactArguments(values) : values;
  shown.forEach((value, index) => {
    list.set(index, clean(value, maxLength));
  });
}
