// What is written by hand is what the generated encoder writes, byte for byte.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { encodeReplyFrame } from "../../services/daemon/encode-reply.js";
import { type Reply, ReplyOutcome, ReplySchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorDetailSchema } from "../../services/gen/systemsmanager/errors/v1/error_reason_pb.js";
import { AttachRequestSchema } from "../../services/gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason } from "../../services/shared/errors.js";
import { encodeFrame } from "../../services/shared/grpc-frames.js";

const answer = {
  commandId: "01890a5d-ac96-774b-bcce-b302099a8057",
  runId: "01890a5d-ac96-774b-bcce-b302099a8058",
  hostId: "0123456789abcdef0123456789abcdef",
  outcome: ReplyOutcome.OK,
  body: Buffer.alloc(620, "body"),
  bodyDigest: Buffer.alloc(32, 7),
  startedAt: timestampFromMs(1_790_000_000_123),
  finishedAt: timestampFromMs(1_790_000_000_456),
  replyPartition: 3,
};

const unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
const cases: Record<string, Partial<Reply>> = {
  "an OK answer": {},
  "one from the journal": { fromJournal: true },
  "one for the first partition": { replyPartition: 0 },
  "one for the last partition that there can be": { replyPartition: 0xffff_ffff },
  "one without a body": { body: new Uint8Array(), bodyDigest: new Uint8Array() },
  "one of the epoch": { startedAt: timestampFromMs(0), finishedAt: timestampFromMs(1_000) },
  "one of before the epoch": { startedAt: timestampFromMs(-1), finishedAt: timestampFromMs(0) },
  "one without times": { startedAt: undefined, finishedAt: undefined },
  "one with ids of many bytes a character": {
    commandId: "€".repeat(42),
    runId: "é".repeat(42),
    hostId: "😀".repeat(21),
  },
  "one with ids as long as can be written by hand": { commandId: "a".repeat(42) },
  "one with a longer id": { commandId: "a".repeat(43), runId: "€".repeat(300) },
  "one without ids": { commandId: "", runId: "", hostId: "" },
  "one with a field of a later version": { $unknown: unknown } as Partial<Reply>,
  "a failure": {
    outcome: ReplyOutcome.FAILED,
    statusCode: 13,
    message: "it failed",
    error: create(ErrorDetailSchema, { reason: ErrorReason.INTERNAL, remedy: "mend it" }),
  },
  "an OK answer that has a message all the same": { message: "well" },
  "an OK answer that has a status all the same": { statusCode: 1 },
};
for (const bytes of [1, 127, 128, 16_000, 16_383, 16_384, 2 ** 16, 900 * 1024]) {
  cases[`an answer of ${bytes} bytes`] = { body: Buffer.alloc(bytes, 1) };
}

test.each(Object.entries(cases))("%s is framed as the generated encoder does", (_, fields) => {
  const reply = { ...create(ReplySchema, answer), ...fields };
  const request = create(AttachRequestSchema, { message: { case: "reply", value: reply } });
  const expected = encodeFrame(toBinary(AttachRequestSchema, request));
  expect(encodeReplyFrame(reply).equals(expected)).toBe(true);
});

test("a frame is not changed by the next", () => {
  const [one, other] = [0, 1].map((fill) => create(ReplySchema, { ...answer, body: Buffer.alloc(620, fill) }));
  const first = encodeReplyFrame(one as Reply);
  const copy = Buffer.from(first);
  encodeReplyFrame(other as Reply);
  expect(first).toEqual(copy);
});

test("a reply has the fields that the one who writes it by hand knows; a new one must be written there too", () => {
  const written = ["commandId", "runId", "hostId", "outcome", "body", "bodyDigest", "startedAt", "finishedAt"];
  const alsoWritten = ["fromJournal", "replyPartition"];
  const absentFromPlainOnes = ["statusCode", "message", "error"];
  const known = [...written, ...alsoWritten, ...absentFromPlainOnes];
  expect(ReplySchema.fields.map(({ localName }) => localName).sort()).toEqual(known.sort());
});
