// Signed commands for sets of targets, and the bus messages that carry them. A set whose ids do not fit into one bus message is
// split into several commands, each with a target tree of its own.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { maxMessageBytes, type OutgoingMessage } from "../../bus/bus.js";
import {
  type Command,
  CommandEnvelopeSchema,
  CommandSchema,
  SignedCommandSchema,
} from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { signCommand } from "../../identity/command-signature.js";
import type { SigningKey } from "../../identity/signing-key.js";
import { hostIdBytes } from "../../identity/target-tree.js";
import type { TargetHost } from "./run-record.js";
import { targetIds, targetTree } from "./target-set.js";

/** Who speaks: the same in every command of a control plane. */
export interface CommandIssuer {
  readonly fleetId: string;
  readonly signingKey: SigningKey;
  readonly replyPartition: number;
}

/** What to say to whom. */
export interface CommandDraft {
  readonly commandId: string;
  readonly runId: string;
  /** Sorted. */
  readonly targets: readonly TargetHost[];
  readonly action: Exclude<Command["action"], { case: undefined }>;
  readonly expiresAtMs: number;
}

/** A command as the bus gets it. */
export interface SignedDraft {
  readonly runId: string;
  /** The encoded bus.v1.SignedCommand. */
  readonly signed: Uint8Array;
  readonly expiresAtMs: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

// Signature, times, grant, method and framing; far more than they take.
const otherBytes = 16 * 1024;

/** How many targets an envelope with a request of this size can name within a bus message. */
export function maxTargets(requestBytes: number): number {
  return Math.floor((maxMessageBytes - otherBytes - requestBytes) / hostIdBytes);
}

/** The encoded SignedCommand of a draft. */
export function signDraft(issuer: CommandIssuer, draft: CommandDraft): Uint8Array {
  const tree = targetTree(draft.targets);
  const command = create(CommandSchema, {
    fleetId: issuer.fleetId,
    commandId: draft.commandId,
    runId: draft.runId,
    targetRoot: tree.root,
    targetCount: tree.size,
    issuedAt: timestampFromMs(Date.now()),
    expiresAt: timestampFromMs(draft.expiresAtMs),
    action: draft.action,
    replyPartition: issuer.replyPartition,
  });
  return toBinary(SignedCommandSchema, signCommand(issuer.signingKey, command));
}

/** The bus message that tells all targets of a command. Commands of one run keep their order. */
export function commandMessage(command: SignedDraft, targets: readonly TargetHost[]): OutgoingMessage {
  return messageOf(command, {
    signed: fromBinary(SignedCommandSchema, command.signed),
    targetIds: targetIds(targets),
  });
}

/** The bus message with this envelope. */
export function messageOf(
  { runId, expiresAtMs, headers }: SignedDraft,
  envelope: Parameters<typeof create<typeof CommandEnvelopeSchema>>[1],
): OutgoingMessage {
  const value = toBinary(CommandEnvelopeSchema, create(CommandEnvelopeSchema, envelope));
  return { key: runId, value, expiresAtMs, ...(headers ? { headers } : {}) };
}
