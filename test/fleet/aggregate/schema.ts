// Message types made for a test: fields with any kind and any reductions, which no operation has all of.
import { create, createFileRegistry, type DescMessage, setExtension } from "@bufbuild/protobuf";
import {
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import {
  type Reduction,
  summary,
  type Unit,
  unit,
  untrusted,
  varies,
} from "../../../services/gen/systemsmanager/options/v1/options_pb.js";

export { Type };

/** A field of a test message. */
export interface TestField {
  type: Type;
  /** "Row", or a full name that begins with a dot. */
  typeName?: string;
  repeated?: boolean;
  optional?: boolean;
  map?: boolean;
  reduce?: Reduction[];
  untrusted?: boolean;
  varies?: boolean;
  unit?: Unit;
}

/** Compiles message types; gives them by name. */
export function compileMessages(messages: Record<string, Record<string, TestField>>): (name: string) => DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    dependency: ["google/protobuf/timestamp.proto", "google/protobuf/duration.proto"],
    messageType: Object.entries(messages).map(([name, fields]) => messageProto(name, fields)),
  });
  const known = [file_google_protobuf_timestamp, file_google_protobuf_duration];
  const registry = createFileRegistry(
    file,
    (path) => known.find((candidate) => `${candidate.name}.proto` === path)?.proto,
  );
  return (name) => {
    const found = registry.getMessage(`test.${name}`);
    if (!found) throw new Error(`the test schema has no message ${name}`);
    return found;
  };
}

function messageProto(name: string, fields: Record<string, TestField>) {
  const optional = Object.entries(fields).filter(([, field]) => field.optional);
  return {
    name,
    field: Object.entries(fields).map(([fieldName, field], index) =>
      fieldProto(name, fieldName, field, index + 1, optional),
    ),
    oneofDecl: optional.map(([fieldName]) => ({ name: `_${fieldName}` })),
    nestedType: Object.entries(fields)
      .filter(([, field]) => field.map)
      .map(([fieldName, field]) => ({
        name: entryName(fieldName),
        options: { mapEntry: true },
        field: [
          create(FieldDescriptorProtoSchema, { name: "key", number: 1, type: Type.STRING, label: Label.OPTIONAL }),
          create(FieldDescriptorProtoSchema, {
            name: "value",
            number: 2,
            type: field.type,
            label: Label.OPTIONAL,
            ...typeNameOf(field),
          }),
        ],
      })),
  };
}

function fieldProto(
  message: string,
  name: string,
  field: TestField,
  number: number,
  optional: Array<[string, TestField]>,
) {
  const options = create(FieldOptionsSchema);
  if (field.reduce) setExtension(options, summary, field.reduce);
  if (field.untrusted) setExtension(options, untrusted, true);
  if (field.varies) setExtension(options, varies, true);
  if (field.unit) setExtension(options, unit, field.unit);
  const oneof = optional.findIndex(([candidate]) => candidate === name);
  const mapType = { type: Type.MESSAGE, typeName: `.test.${message}.${entryName(name)}` };
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    label: field.repeated || field.map ? Label.REPEATED : Label.OPTIONAL,
    ...(field.map ? mapType : { type: field.type, ...typeNameOf(field) }),
    ...(oneof >= 0 ? { proto3Optional: true, oneofIndex: oneof } : {}),
    options,
  });
}

function typeNameOf({ typeName }: TestField) {
  if (typeName === undefined) return {};
  return { typeName: typeName.startsWith(".") ? typeName : `.test.${typeName}` };
}

function entryName(field: string): string {
  return `${field
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("")}Entry`;
}
