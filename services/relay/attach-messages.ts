// Bytes of the attach stream. A command is encoded once for all hosts; each host's proof is put before it.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type SignedCommand, TargetProofSchema } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import {
  AttachRequestSchema,
  type AttachResponse,
  AttachResponseSchema,
  CommandDeliverySchema,
  type Hello,
} from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import type { TargetProof } from "../identity/target-tree.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { encodeFrame, framePrefix } from "../shared/grpc-frames.js";
import { createOutgoingData, type OutgoingData } from "../shared/http2/outgoing-data.js";
import type { TraceHeaders } from "../tracing/trace-context.js";
import { type ReceivedReply, readReply } from "./read-reply.js";
import { createWireReader } from "./wire-reader.js";

/** What a daemon sent. */
export type DaemonMessage =
  | { readonly case: "hello"; readonly hello: Hello }
  | { readonly case: "reply"; readonly reply: ReceivedReply }
  | { readonly case: "heartbeat" };

/** Throws MALFORMED_ENVELOPE when the bytes are not an AttachRequest that says something. */
export function decodeDaemonMessage(bytes: Buffer): DaemonMessage {
  try {
    const reply = replyWithin(bytes);
    if (reply) return { case: "reply", reply: readReply(reply) };
    const { message } = fromBinary(AttachRequestSchema, bytes);
    if (message.case === "hello") return { case: "hello", hello: message.value };
    // Written in an unusual way, such as in two parts.
    if (message.case === "reply") {
      return { case: "reply", reply: readReply(Buffer.from(toBinary(ReplySchema, message.value))) };
    }
    if (message.case === "heartbeat") return { case: "heartbeat" };
  } catch (cause) {
    throw malformed(`not an AttachRequest: ${(cause as Error).message}`, cause);
  }
  throw malformed("an AttachRequest with nothing in it that this version knows");
}

const replyField = AttachRequestSchema.field.reply.number;
const readReplyField = createWireReader({ bytes: [replyField], varints: [] });

// The bytes of the reply when the message is a reply and nothing else: then nothing is decoded but what the relay needs.
function replyWithin(bytes: Buffer): Buffer | undefined {
  const fields = readReplyField(bytes, 0, bytes.length);
  const start = fields?.starts[replyField];
  return start === undefined ? undefined : bytes.subarray(start, fields?.ends[replyField]);
}

/** A whole frame with this response. */
export function encodeResponse(message: AttachResponse["message"]): OutgoingData {
  return createOutgoingData(encodeFrame(toBinary(AttachResponseSchema, create(AttachResponseSchema, { message }))));
}

/** Gives the frame of a command's delivery. Hosts with the same proof share it. */
export function createDeliveryEncoder(
  signed: SignedCommand,
  trace: TraceHeaders,
): (proof: TargetProof) => OutgoingData {
  const shared = toBinary(CommandDeliverySchema, create(CommandDeliverySchema, { signed, traceContext: { ...trace } }));
  const frames = new Map<TargetProof, OutgoingData>();
  return (proof) => {
    const known = frames.get(proof);
    if (known) return known;
    const head = encodeDeliveryHead(proof, shared.length);
    const frame = createOutgoingData(head, shared);
    frames.set(proof, frame);
    return frame;
  };
}

function encodeDeliveryHead(proof: TargetProof, sharedBytes: number): Buffer {
  const own = new BinaryWriter()
    .tag(CommandDeliverySchema.field.proof.number, WireType.LengthDelimited)
    .bytes(toBinary(TargetProofSchema, create(TargetProofSchema, { ...proof, path: [...proof.path] })))
    .finish();
  const head = new BinaryWriter()
    .tag(AttachResponseSchema.field.command.number, WireType.LengthDelimited)
    .uint32(own.length + sharedBytes)
    .finish();
  return Buffer.concat([framePrefix(head.length + own.length + sharedBytes), head, own]);
}

function malformed(detail: string, cause?: unknown) {
  return failure(ErrorReason.MALFORMED_ENVELOPE, `malformed message of a daemon: ${detail}`, {
    metadata: { detail },
    remedy: "attach with a client of relay.v1.RelayService",
    cause,
  });
}
