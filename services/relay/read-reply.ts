// A daemon's reply, read no further than a relay needs. What a healthy daemon writes is read by hand; everything else by the
// generated decoder, and then passed on whole.
import { fromBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type Reply, ReplyBatchSchema, ReplyOutcome, ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { encodeReplyField } from "./encode-batch.js";
import { createWireReader } from "./wire-reader.js";

/** A reply as a relay passes it on. */
export interface ReceivedReply {
  readonly commandId: string;
  readonly runId: string;
  readonly hostId: string;
  readonly partition: number;
  /** Absent when it does not fit into the columns of OK answers. */
  readonly answer: PlainAnswer | undefined;
  /** As the daemon wrote it. */
  readonly bytes: Uint8Array;
}

/** An OK answer that says what every OK answer says, and nothing else. */
export interface PlainAnswer {
  readonly body: Buffer;
  /** As the daemon gives it; whoever reads the batch checks it. */
  readonly digest: Buffer;
  readonly durationMs: number;
  readonly fromJournal: boolean;
}

const { commandId, runId, hostId, outcome, body, bodyDigest } = ReplySchema.field;
const { startedAt, finishedAt, fromJournal, replyPartition } = ReplySchema.field;
const readFields = createWireReader({
  bytes: [commandId, runId, hostId, body, bodyDigest, startedAt, finishedAt].map(({ number }) => number),
  varints: [outcome, fromJournal, replyPartition].map(({ number }) => number),
});

const { seconds, nanos } = TimestampSchema.field;
const readTimestampFields = createWireReader({ bytes: [], varints: [seconds.number, nanos.number] });

const uuidLength = 36;
const digestLength = 32;
const maxUint32 = 0xffff_ffff;
const hostIdPattern = /^[0-9a-f]{32}$/;
const ascii = /^[\0-\x7f]*$/;

/** Throws when the bytes are not a Reply that the reader of a batch could decode. */
export function readReply(bytes: Buffer): ReceivedReply {
  return readPlainReply(bytes) ?? readAnyReply(bytes);
}

/** The reply when it is an OK answer like any other; undefined when the generated decoder has to look at it. */
export function readPlainReply(bytes: Buffer): ReceivedReply | undefined {
  const fields = readFields(bytes, 0, bytes.length);
  if (!fields) return undefined;
  const { starts, ends } = fields;
  const slice = (field: number) => bytes.subarray(starts[field] ?? 0, ends[field] ?? 0);
  const text = (field: number) => bytes.toString("latin1", starts[field] ?? 0, ends[field] ?? 0);
  const reply = {
    commandId: text(commandId.number),
    runId: text(runId.number),
    hostId: text(hostId.number),
    partition: starts[replyPartition.number] ?? 0,
    bytes,
    answer: {
      body: slice(body.number),
      digest: slice(bodyDigest.number),
      durationMs: timeOf(startedAt.number, finishedAt.number),
      fromJournal: (starts[fromJournal.number] ?? 0) !== 0,
    },
  };
  return starts[outcome.number] === ReplyOutcome.OK && isPlain(reply) ? reply : undefined;

  function timeOf(from: number, to: number): number {
    return Math.max(0, readTime(bytes, starts[to], ends[to]) - readTime(bytes, starts[from], ends[from]));
  }
}

function isPlain(reply: ReceivedReply & { readonly answer: PlainAnswer }): boolean {
  const { answer } = reply;
  return (
    reply.commandId.length === uuidLength &&
    reply.runId.length === uuidLength &&
    ascii.test(reply.commandId) &&
    ascii.test(reply.runId) &&
    hostIdPattern.test(reply.hostId) &&
    reply.partition <= maxUint32 &&
    answer.digest.length === digestLength &&
    answer.durationMs <= maxUint32
  );
}

// Milliseconds since the epoch; not a number when the field is absent or unusual.
function readTime(bytes: Buffer, start: number | undefined, end: number | undefined): number {
  if (start === undefined || end === undefined) return Number.NaN;
  const fields = readTimestampFields(bytes, start, end);
  if (!fields) return Number.NaN;
  const nanoseconds = fields.starts[nanos.number] ?? 0;
  if (nanoseconds >= 1_000_000_000) return Number.NaN;
  return (fields.starts[seconds.number] ?? 0) * 1_000 + Math.round(nanoseconds / 1_000_000);
}

// One reply that cannot be decoded would make a whole batch unreadable, so it is read as the batch's readers will.
function readAnyReply(bytes: Buffer): ReceivedReply {
  const [reply] = fromBinary(ReplyBatchSchema, encodeReplyField(bytes)).others as [Reply];
  const { commandId, runId, hostId, replyPartition: partition } = reply;
  return { commandId, runId, hostId, partition, answer: undefined, bytes };
}
