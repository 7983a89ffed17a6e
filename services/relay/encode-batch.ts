// A ReplyBatch in bytes, put together from what daemons wrote.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type CommandAnswers, ReplyBatchSchema } from "../gen/systemsmanager/bus/v1/host_pb.js";

/** Replies of a batch that are passed on whole: with the fields of later versions, too. */
export function encodeReplyField(reply: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(ReplyBatchSchema.field.others.number, WireType.LengthDelimited).bytes(reply).finish();
}

/** The whole batch. Encoded messages of one type put behind each other are one message with the fields of all. */
export function encodeBatch(answers: readonly CommandAnswers[], others: readonly Uint8Array[]): Uint8Array {
  const columns = toBinary(ReplyBatchSchema, create(ReplyBatchSchema, { answers: [...answers] }));
  return others.length === 0 ? columns : Buffer.concat([columns, ...others.map(encodeReplyField)]);
}
