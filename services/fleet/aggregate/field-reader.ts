// Reading one field of a decoded message by its descriptor, without reflection objects on the hot path.
import { type DescField, isFieldSet, type Message } from "@bufbuild/protobuf";

/** The field's value; undefined when the message does not have it. Lists and maps come as arrays, maps with {key, value} entries. */
export type FieldReader = (message: unknown) => unknown;

const explicitPresence = 1;

/** The reader of a field. */
export function readerOf(field: DescField): FieldReader {
  const name = field.localName;
  if (field.oneof) {
    const group = field.oneof.localName;
    return (message) => {
      const chosen = (message as Record<string, { case?: string; value?: unknown }>)[group];
      return chosen?.case === name ? chosen.value : undefined;
    };
  }
  if (field.fieldKind === "map") {
    return (message) =>
      Object.entries((message as Record<string, Record<string, unknown>>)[name] ?? {}).map(([key, value]) => ({
        key,
        value,
      }));
  }
  if (field.presence === explicitPresence && field.fieldKind !== "message") {
    return (message) =>
      isFieldSet(message as Message, field) ? (message as Record<string, unknown>)[name] : undefined;
  }
  return (message) => (message as Record<string, unknown>)[name];
}
