// What is surely valid is what protovalidate finds valid, for every message that this product receives.
import { readdirSync } from "node:fs";
import {
  create,
  type DescField,
  type DescFile,
  type DescMessage,
  type Message,
  type MessageInitShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CommandEnvelopeSchema,
  CommandSchema,
  SignedCommandSchema,
} from "../../services/gen/systemsmanager/bus/v1/command_pb.js";
import { HostFactsSchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ListServicesRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { isSurelyValid } from "../../services/shared/surely-valid.js";
import { validate } from "../../services/shared/validation.js";

const protovalidate = createValidator();
const uuid = "0190a5a0-7c1e-4000-8000-000000000000";
const method = "systemsmanager.telemetry.v1.TelemetryService/GetSystemSnapshot";

const generated = new URL("../../services/gen/systemsmanager/", import.meta.url);
const paths = readdirSync(generated, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith("_pb.ts"));
const files = await Promise.all(paths.map((path) => import(new URL(path, generated).href)));
const schemas = files
  .flatMap((file) => Object.values(file))
  .filter((value): value is DescFile => (value as DescFile).kind === "file")
  .flatMap(({ messages }) => messages)
  .map((schema) => ({ name: schema.typeName, schema }));

const lengths = [1, 16, 31, 32, 33, 63, 64, 65, 128, 129, 255, 256, 257, 512, 513, 1024, 1025];
const texts = [
  "",
  uuid,
  method,
  "web-1",
  "nginx.service",
  "role",
  "a/b",
  "0123456789abcdef",
  "0".repeat(32),
  "é",
  "💡",
];
const text = fc.oneof(
  fc.constantFrom(...texts),
  fc.tuple(fc.constantFrom("a", "é", "💡"), fc.constantFrom(...lengths)).map(([one, times]) => one.repeat(times)),
);
const numbers = [0, 1, -1, 2, -1000, -1001, 100, 101, 1000, 1001, 10_000, 10_001, 65_535, 65_536, 100_000, 100_001];
const bytes = fc.constantFrom(0, ...lengths).map((length) => new Uint8Array(length));

const signed = new Set([ScalarType.INT32, ScalarType.SINT32, ScalarType.DOUBLE, ScalarType.FLOAT]);
const long = new Set([ScalarType.INT64, ScalarType.UINT64]);

// One value of the field, of its list, or of its map.
function arbitraryValue({ enum: values, message, scalar }: DescField, depth: number): fc.Arbitrary<unknown> {
  if (values) return fc.constantFrom(0, 1, 2, 99);
  if (message) return arbitraryMessage(message, depth - 1);
  if (scalar === ScalarType.STRING) return text;
  if (scalar === ScalarType.BYTES) return bytes;
  if (scalar === ScalarType.BOOL) return fc.boolean();
  const fitting = numbers.filter((number) => number >= 0 || signed.has(scalar as ScalarType));
  return fc.constantFrom(...fitting).map((number) => (long.has(scalar as ScalarType) ? BigInt(number) : number));
}

function arbitraryField(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const value = arbitraryValue(field, depth);
  if (field.fieldKind === "list") return fc.oneof(fc.array(value, { maxLength: 4 }), manyOf(value));
  if (field.fieldKind === "map") return fc.dictionary(text, value, { maxKeys: 3 });
  return value;
}

function manyOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> {
  return fc.tuple(value, fc.constantFrom(8, 9, 32, 33, 100, 101)).map(([each, times]) => Array(times).fill(each));
}

// Plain fields, of which any may be left out; of a oneof the last that is there counts.
function arbitraryMessage(schema: DescMessage, depth = 3): fc.Arbitrary<Message> {
  const fields = depth > 0 ? schema.fields.filter(({ message }) => message?.typeName !== "google.protobuf.Struct") : [];
  const record = Object.fromEntries(fields.map((field) => [field.localName, arbitraryField(field, depth)]));
  return fc.record(record, { requiredKeys: [] }).map((values) => {
    const init: Record<string, unknown> = {};
    for (const { localName, oneof } of fields) {
      if (!(localName in values)) continue;
      if (oneof) init[oneof.localName] = { case: localName, value: values[localName] };
      else init[localName] = values[localName];
    }
    return create(schema, init);
  });
}

const hasExpressions = new Set<string>([CommandEnvelopeSchema.typeName]);

describe("agrees with protovalidate on", () => {
  test.each(schemas)("$name", ({ schema }) => {
    fc.assert(
      fc.property(arbitraryMessage(schema), (message) => {
        const { kind } = protovalidate.validate(schema, message);
        if (isSurelyValid(schema, message)) expect(kind).toBe("valid");
        else if (!hasExpressions.has(schema.typeName)) expect(kind).toBe("invalid");
      }),
      { numRuns: 60 },
    );
  });
});

const command = {
  fleetId: "default",
  commandId: uuid,
  runId: uuid,
  targetRoot: new Uint8Array(32),
  targetCount: 1,
  issuedAt: { seconds: 1n },
  expiresAt: { seconds: 2n },
  action: { case: "invocation", value: { method, timeoutMilliseconds: 1 } },
} satisfies MessageInitShape<typeof CommandSchema>;
const facts = { hostId: "0".repeat(32), name: "web-1", labels: { role: "web" }, capabilities: ["apt"] };

const valid: [DescMessage, Record<string, unknown>][] = [
  [SignedCommandSchema, { command: new Uint8Array(1), signature: new Uint8Array(64), keyId: "0123456789abcdef" }],
  [CommandSchema, command],
  [HostFactsSchema, facts],
  [ListServicesRequestSchema, { names: ["nginx.service"], limit: 10_000 }],
];

test.each(valid.map(([schema, init]) => ({ name: schema.typeName, schema, init })))(
  "a usual $name is surely valid",
  ({ schema, init }) => {
    expect(isSurelyValid(schema, create(schema, init))).toBe(true);
  },
);

test.each<[string, DescMessage, Record<string, unknown>]>([
  ["a signature that is too short", SignedCommandSchema, { command: new Uint8Array(1), keyId: "0123456789abcdef" }],
  ["a command without an action", CommandSchema, { ...command, action: { case: undefined } }],
  ["a command with a broken id", CommandSchema, { ...command, commandId: "7" }],
  ["a command that never expires", CommandSchema, { ...command, expiresAt: undefined }],
  [
    "a broken rule of a message within",
    CommandSchema,
    { ...command, action: { case: "invocation", value: { method } } },
  ],
  ["a label with an empty name", HostFactsSchema, { ...facts, labels: { "": "web" } }],
  ["a service name with a slash", ListServicesRequestSchema, { names: ["a/b"] }],
  ["a state named twice", ListServicesRequestSchema, { activeStates: [1, 1] }],
  ["a state that there is not", ListServicesRequestSchema, { activeStates: [99] }],
])("%s is refused in the words of protovalidate", (_case, schema, init) => {
  const message = create(schema, init);
  const { violations } = protovalidate.validate(schema, message);
  expect(violations?.length).toBeGreaterThan(0);
  for (const violation of violations ?? []) expect(() => validate(schema, message)).toThrow(violation.message);
});
