// A message with every reduction on every kind of field, and arbitrary answers of it.
import { create, type Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Reduction as R, Unit } from "../../../services/gen/systemsmanager/options/v1/options_pb.js";
import { compileMessages, Type } from "./schema.js";

const messageOf = compileMessages({
  Answer: {
    version: { type: Type.STRING, reduce: [R.GROUP, R.COUNT] },
    maybe: { type: Type.STRING, optional: true, reduce: [R.GROUP] },
    tags: { type: Type.STRING, repeated: true, untrusted: true, reduce: [R.GROUP, R.COUNT, R.SAMPLE] },
    booted: { type: Type.MESSAGE, typeName: ".google.protobuf.Timestamp", reduce: [R.GROUP, R.QUANTILES] },
    took: { type: Type.MESSAGE, typeName: ".google.protobuf.Duration", reduce: [R.QUANTILES, R.SUM] },
    ratio: { type: Type.DOUBLE, unit: Unit.RATIO, reduce: [R.SUM, R.QUANTILES, R.TOP] },
    bytes: { type: Type.UINT64, unit: Unit.BYTES, reduce: [R.SUM, R.TOP] },
    labels: { type: Type.STRING, map: true, reduce: [R.GROUP] },
    lines: { type: Type.STRING, repeated: true, untrusted: true, reduce: [R.TEMPLATE] },
    rows: { type: Type.MESSAGE, typeName: "Row", repeated: true },
    things: { type: Type.MESSAGE, typeName: "Row", repeated: true, varies: true },
    loose: { type: Type.MESSAGE, typeName: "Loose", repeated: true },
    secret: { type: Type.STRING, reduce: [R.OMIT] },
  },
  Row: {
    id: { type: Type.MESSAGE, typeName: "Id" },
    state: { type: Type.STRING, reduce: [R.GROUP, R.COUNT] },
    size: { type: Type.INT64, reduce: [R.SUM, R.TOP, R.QUANTILES] },
    holders: { type: Type.MESSAGE, typeName: "Holder", repeated: true },
    self: { type: Type.MESSAGE, typeName: "Row" },
  },
  Id: {
    kind: { type: Type.STRING, reduce: [R.KEY] },
    number: { type: Type.UINT32, reduce: [R.KEY] },
  },
  Holder: {
    name: { type: Type.STRING, untrusted: true, reduce: [R.GROUP] },
    argv: { type: Type.STRING, repeated: true, untrusted: true, reduce: [R.SAMPLE] },
  },
  Loose: { state: { type: Type.STRING, reduce: [R.COUNT] }, load: { type: Type.DOUBLE, reduce: [R.QUANTILES] } },
});

/** The message type. */
export const EverythingSchema = messageOf("Answer");

/** One answer. */
export function everything(init: Record<string, unknown>): Message {
  return create(EverythingSchema, init as Record<string, unknown>);
}

const word = fc.constantFrom("a", "b", "c", "", "failed", "\u202eevil", "x y");
const number = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.1, 1e-300, 1e300, -2.5, Number.NaN),
  fc.double({ noNaN: true }),
);
const bigint = fc.oneof(fc.constantFrom(0n, 1n, 2n ** 62n), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }));
const holder = fc.record({ name: word, argv: fc.array(word, { maxLength: 2 }) });
const row = fc.record({
  id: fc.record({ kind: word, number: fc.integer({ min: 0, max: 2 }) }),
  state: word,
  size: bigint,
  holders: fc.array(holder, { maxLength: 2 }),
});
const line = fc.oneof(
  fc.constantFrom("disk sda1 failed", "user root in from 10.0.0.1", "user bob in from 10.0.0.2", "user eve in", ""),
  fc.string({ maxLength: 20 }),
);

/** Arbitrary answers. */
export const everythingArbitrary: fc.Arbitrary<Message> = fc
  .record(
    {
      version: word,
      maybe: word,
      tags: fc.array(word, { maxLength: 3 }),
      booted: fc.record({ seconds: fc.bigInt({ min: 0n, max: 4_000_000_000n }), nanos: fc.constant(0) }),
      took: fc.record({ seconds: fc.bigInt({ min: 0n, max: 100n }), nanos: fc.integer({ min: 0, max: 999_999_999 }) }),
      ratio: number,
      bytes: bigint,
      labels: fc.dictionary(fc.constantFrom("role", "zone", "x"), word),
      lines: fc.array(line, { maxLength: 5 }),
      rows: fc.array(row, { maxLength: 4 }),
      things: fc.array(row, { maxLength: 2 }),
      loose: fc.array(fc.record({ state: word, load: number }), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  )
  .map(everything);
