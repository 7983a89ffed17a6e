// A reply as a frame of the attach stream. Every host writes one for every command, so that what an OK answer says is written by
// hand, once and in place; every other reply by the generated encoder.
import { create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type Reply, ReplyOutcome, ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { AttachRequestSchema } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { encodeFrame, prefixBytes, writeFramePrefix } from "../shared/grpc-frames.js";

interface Cursor {
  readonly bytes: Buffer;
  position: number;
}

const varintType = 0;
const bytesType = 2;
const { commandId, runId, hostId, outcome, body, bodyDigest } = ReplySchema.field;
const { startedAt, finishedAt, fromJournal, replyPartition } = ReplySchema.field;
const { seconds, nanos } = TimestampSchema.field;
const reply = AttachRequestSchema.field.reply;

// Longest text that takes one byte to tell its length, whatever its characters are.
const maxTextLength = 42;
// Prefix, tag and length of the reply within the request, and all fields of a reply but its body.
const headBytes = prefixBytes + 6;
const otherFieldsBytes = 3 * (2 + 3 * maxTextLength) + 2 * (2 + 20) + 64;

/** The frame of an AttachRequest with this reply. */
export function encodeReplyFrame(message: Reply): Buffer {
  if (!isPlain(message)) {
    const request = create(AttachRequestSchema, { message: { case: "reply", value: message } });
    return encodeFrame(toBinary(AttachRequestSchema, request));
  }
  const bytes = Buffer.allocUnsafe(headBytes + otherFieldsBytes + message.body.length + message.bodyDigest.length);
  const cursor = { bytes, position: headBytes };
  writeReply(cursor, message);
  return withHead(bytes, cursor.position);
}

function isPlain(message: Reply): boolean {
  return (
    message.outcome === ReplyOutcome.OK &&
    message.statusCode === 0 &&
    message.message === "" &&
    message.error === undefined &&
    message.$unknown === undefined &&
    isShort(message.commandId) &&
    isShort(message.runId) &&
    isShort(message.hostId) &&
    isPlainTime(message.startedAt) &&
    isPlainTime(message.finishedAt)
  );
}

function isShort(text: string): boolean {
  return text.length <= maxTextLength;
}

// After the epoch, and no further than numbers are exact.
function isPlainTime(time: Timestamp | undefined): boolean {
  return (
    time !== undefined &&
    time.$unknown === undefined &&
    time.seconds >= 0n &&
    time.seconds <= Number.MAX_SAFE_INTEGER &&
    time.nanos >= 0
  );
}

function writeReply(cursor: Cursor, message: Reply): void {
  writeText(cursor, commandId.number, message.commandId);
  writeText(cursor, runId.number, message.runId);
  writeText(cursor, hostId.number, message.hostId);
  writeNumber(cursor, outcome.number, message.outcome);
  writeBytes(cursor, body.number, message.body);
  writeBytes(cursor, bodyDigest.number, message.bodyDigest);
  writeTime(cursor, startedAt.number, message.startedAt as Timestamp);
  writeTime(cursor, finishedAt.number, message.finishedAt as Timestamp);
  writeNumber(cursor, fromJournal.number, Number(message.fromJournal));
  writeNumber(cursor, replyPartition.number, message.replyPartition);
}

// What stands before the reply, whose length is known only now, written up to where it begins.
function withHead(bytes: Buffer, end: number): Buffer {
  const length = end - headBytes;
  const head = { bytes, position: headBytes - varintBytes(length) };
  const tagPosition = head.position - 1;
  writeVarint(head, length);
  bytes[tagPosition] = (reply.number << 3) | bytesType;
  const start = tagPosition - prefixBytes;
  writeFramePrefix(bytes, start, end - tagPosition);
  return bytes.subarray(start, end);
}

// Fields that have their default value are not written, as proto3 has it.

function writeText(cursor: Cursor, field: number, text: string): void {
  if (text === "") return;
  const { bytes, position } = cursor;
  const length = bytes.write(text, position + 2, "utf8");
  bytes[position] = (field << 3) | bytesType;
  bytes[position + 1] = length;
  cursor.position = position + 2 + length;
}

function writeBytes(cursor: Cursor, field: number, value: Uint8Array): void {
  if (value.length === 0) return;
  cursor.bytes[cursor.position++] = (field << 3) | bytesType;
  writeVarint(cursor, value.length);
  cursor.bytes.set(value, cursor.position);
  cursor.position += value.length;
}

function writeNumber(cursor: Cursor, field: number, value: number): void {
  if (value === 0) return;
  cursor.bytes[cursor.position++] = (field << 3) | varintType;
  writeVarint(cursor, value);
}

function writeTime(cursor: Cursor, field: number, time: Timestamp): void {
  const lengthPosition = cursor.position + 1;
  cursor.bytes[cursor.position] = (field << 3) | bytesType;
  cursor.position += 2;
  writeNumber(cursor, seconds.number, Number(time.seconds));
  writeNumber(cursor, nanos.number, time.nanos);
  cursor.bytes[lengthPosition] = cursor.position - lengthPosition - 1;
}

function writeVarint(cursor: Cursor, value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) cursor.bytes[cursor.position++] = (rest % 0x80) + 0x80;
  cursor.bytes[cursor.position++] = rest;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
