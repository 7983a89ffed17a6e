// Bytes of the attach stream. A command is encoded once for all hosts; each host's proof is put before it.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type SignedCommand, SignedCommandSchema } from "../gen/systemsmanager/bus/v1/command_pb.js";
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import {
  AttachRequestSchema,
  type AttachResponse,
  AttachResponseSchema,
  CommandDeliverySchema,
  type Hello,
  TargetProofSchema,
} from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import type { InclusionProof } from "../identity/target-tree.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { encodeFrame, framePrefix } from "../shared/grpc-frames.js";

/** What a daemon sent. */
export type DaemonMessage =
  | { readonly case: "hello"; readonly hello: Hello }
  /** encoded: the reply's bytes as the daemon wrote them. */
  | { readonly case: "reply"; readonly reply: Reply; readonly encoded: Uint8Array }
  | { readonly case: "heartbeat" };

const replyField = AttachRequestSchema.field.reply.number;

/** Throws MALFORMED_ENVELOPE when the bytes are not an AttachRequest that says something. */
export function decodeDaemonMessage(bytes: Uint8Array): DaemonMessage {
  try {
    const { message } = fromBinary(AttachRequestSchema, bytes);
    if (message.case === "hello") return { case: "hello", hello: message.value };
    if (message.case === "reply") return { case: "reply", reply: message.value, encoded: lastField(bytes, replyField) };
    if (message.case === "heartbeat") return { case: "heartbeat" };
  } catch (cause) {
    throw malformed(`not an AttachRequest: ${(cause as Error).message}`, cause);
  }
  throw malformed("an AttachRequest with nothing in it that this version knows");
}

/** A whole frame with this response. */
export function encodeResponse(message: AttachResponse["message"]): Buffer {
  return encodeFrame(toBinary(AttachResponseSchema, create(AttachResponseSchema, { message })));
}

/** Gives the frame of a command's delivery to one host in two parts; the second is the same for every host. */
export function createDeliveryEncoder(signed: SignedCommand): (proof: InclusionProof) => readonly [Buffer, Uint8Array] {
  const shared = new BinaryWriter()
    .tag(CommandDeliverySchema.field.signed.number, WireType.LengthDelimited)
    .bytes(toBinary(SignedCommandSchema, signed))
    .finish();
  return ({ index, path }) => {
    const proof = toBinary(TargetProofSchema, create(TargetProofSchema, { index, path: [...path] }));
    const own = new BinaryWriter()
      .tag(CommandDeliverySchema.field.proof.number, WireType.LengthDelimited)
      .bytes(proof)
      .finish();
    const head = new BinaryWriter()
      .tag(AttachResponseSchema.field.command.number, WireType.LengthDelimited)
      .uint32(own.length + shared.length)
      .finish();
    const prefix = framePrefix(head.length + own.length + shared.length);
    return [Buffer.concat([prefix, head, own]), shared];
  };
}

function lastField(bytes: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(bytes);
  let found = new Uint8Array();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) found = reader.bytes() as Uint8Array<ArrayBuffer>;
    else reader.skip(wireType, field);
  }
  return found;
}

function malformed(detail: string, cause?: unknown) {
  return failure(ErrorReason.MALFORMED_ENVELOPE, `malformed message of a daemon: ${detail}`, {
    metadata: { detail },
    remedy: "attach with a client of relay.v1.RelayService",
    cause,
  });
}
