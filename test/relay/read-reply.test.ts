// Replies read by hand say the same as the generated decoder, or say nothing.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Reply,
  ReplyBatchSchema,
  ReplyOutcome,
  ReplySchema,
} from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { encodeReplyField } from "../../services/relay/encode-batch.js";
import { type ReceivedReply, readPlainReply, readReply } from "../../services/relay/read-reply.js";

const hostId = fc.stringMatching(/^[0-9a-f]{32}$/);

const plainReply = fc
  .record({
    commandId: fc.uuid(),
    runId: fc.uuid(),
    hostId,
    body: fc.uint8Array({ maxLength: 300 }),
    bodyDigest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fromJournal: fc.boolean(),
    replyPartition: fc.nat(0xffff_ffff),
    startedAtMs: fc.integer({ min: 1, max: 4_000_000_000_000 }),
    durationMs: fc.nat(1_000_000),
  })
  .map(({ startedAtMs, durationMs, ...fields }) =>
    create(ReplySchema, {
      ...fields,
      outcome: ReplyOutcome.OK,
      startedAt: timestampFromMs(startedAtMs),
      finishedAt: timestampFromMs(startedAtMs + durationMs),
    }),
  );

function expectSame(read: ReceivedReply, reply: Reply): void {
  const { commandId, runId, hostId: host, replyPartition: partition } = reply;
  expect(read).toMatchObject({ commandId, runId, hostId: host, partition });
  if (!read.answer) return;
  expect(reply).toMatchObject({
    outcome: ReplyOutcome.OK,
    statusCode: 0,
    message: "",
    fromJournal: read.answer.fromJournal,
  });
  expect(reply.error).toBeUndefined();
  expect(reply.$unknown).toBeUndefined();
  expect(Buffer.from(reply.body).equals(read.answer.body)).toBe(true);
  expect(Buffer.from(reply.bodyDigest).equals(read.answer.digest)).toBe(true);
  if (!reply.startedAt || !reply.finishedAt) throw new Error("an answer without times is not plain");
  expect(read.answer.durationMs).toBe(Math.max(0, timestampMs(reply.finishedAt) - timestampMs(reply.startedAt)));
}

test("property: an OK answer is read by hand, and as the generated decoder reads it", () => {
  fc.assert(
    fc.property(plainReply, (reply) => {
      const read = readPlainReply(Buffer.from(toBinary(ReplySchema, reply)));
      if (!read) throw new Error("not read by hand");
      expectSame(read, reply);
    }),
  );
});

test("property: bytes changed anywhere are read as the generated decoder reads them, or refused by both", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(20) });
  fc.assert(
    fc.property(plainReply, fc.array(change, { minLength: 1, maxLength: 3 }), (reply, changes) => {
      let bytes = Buffer.from(toBinary(ReplySchema, reply));
      for (const { at, byte, cut } of changes) {
        bytes[at % bytes.length] = byte;
        if (cut === 0) bytes = bytes.subarray(0, Math.max(1, at % bytes.length));
      }
      const expected = attempt(() => fromBinary(ReplySchema, bytes));
      const read = attempt(() => readReply(bytes));
      expect(read === undefined).toBe(expected === undefined);
      if (read && expected) expectSame(read, expected);
    }),
    { numRuns: 2_000 },
  );
});

const valid = {
  commandId: "0".repeat(36),
  runId: "1".repeat(36),
  hostId: "a".repeat(32),
  outcome: ReplyOutcome.OK,
  bodyDigest: new Uint8Array(32),
  startedAt: timestampFromMs(1_000),
  finishedAt: timestampFromMs(2_000),
};

test.each<[string, object]>([
  ["another outcome", { outcome: ReplyOutcome.FAILED }],
  ["a status code", { statusCode: 3 }],
  ["a message", { message: "m" }],
  ["an error", { error: { reason: 1 } }],
  ["no time of its beginning", { startedAt: undefined }],
  ["no time of its end", { finishedAt: undefined }],
  ["a time before the epoch", { startedAt: timestampFromMs(-5_000) }],
  ["no digest", { bodyDigest: new Uint8Array() }],
  ["a short digest", { bodyDigest: new Uint8Array(31) }],
  ["a command id that is no UUID", { commandId: "c" }],
  ["a command id with other letters", { commandId: `é${"0".repeat(34)}` }],
  ["a host id in capitals", { hostId: "A".repeat(32) }],
])("a reply with %s is passed on whole", (_, change) => {
  expect(readReply(Buffer.from(toBinary(ReplySchema, create(ReplySchema, valid)))).answer).toBeDefined();
  const reply = create(ReplySchema, { ...valid, ...change });
  const bytes = Buffer.from(toBinary(ReplySchema, reply));
  const read = readReply(bytes);
  expect(read.answer).toBeUndefined();
  expect(fromBinary(ReplyBatchSchema, encodeReplyField(read.bytes)).others).toEqual([reply]);
});

test.each<[string, Buffer]>([
  [
    "a field twice",
    Buffer.concat([Buffer.from(toBinary(ReplySchema, create(ReplySchema, valid))), Buffer.from([0x20, 1])]),
  ],
  [
    "a field of a later version",
    Buffer.concat([Buffer.from(toBinary(ReplySchema, create(ReplySchema, valid))), Buffer.from([0x88, 0x32, 5])]),
  ],
])("a reply with %s is passed on whole", (_, bytes) => {
  expect(readReply(bytes).answer).toBeUndefined();
  expect(readReply(bytes).bytes).toBe(bytes);
});

function attempt<Value>(step: () => Value): Value | undefined {
  try {
    return step();
  } catch {
    // Refusing is an outcome that both sides are compared by.
    return undefined;
  }
}
