// A command is signed once, over its exact bytes, and verified by every host it reaches.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Command,
  CommandSchema,
  type SignedCommand,
  SignedCommandSchema,
} from "../gen/systemsmanager/bus/v1/command_pb.js";
import type { SigningKey, VerifyingKey } from "./signing-key.js";

const context = "systems-manager/command/v1";

/** Encodes and signs. */
export function signCommand(key: SigningKey, command: Command): SignedCommand {
  const bytes = toBinary(CommandSchema, command);
  return create(SignedCommandSchema, { command: bytes, signature: key.sign(context, bytes), keyId: key.keyId });
}

/** True when the key signed exactly these bytes. */
export function verifyCommandSignature(key: VerifyingKey, signed: SignedCommand): boolean {
  return signed.keyId === key.keyId && key.verify(context, signed.command, signed.signature);
}
