// Signed commands for a set of targets. A set whose ids do not fit into one bus message is split into several commands,
// each with a target tree of its own.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { maxMessageBytes, type OutgoingMessage } from "../../bus/bus.js";
import { type Command, CommandEnvelopeSchema, CommandSchema } from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { signCommand } from "../../identity/command-signature.js";
import type { SigningKey } from "../../identity/signing-key.js";
import { buildTargetTree, encodeHostIds, hostIdBytes } from "../../identity/target-tree.js";
import type { TargetHost } from "./run-record.js";

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
  readonly hostIds: readonly string[];
  readonly action: Exclude<Command["action"], { case: undefined }>;
  readonly expiresAtMs: number;
}

// Signature, times, grant, method and framing; far more than they take.
const otherBytes = 16 * 1024;

/** Splits sorted targets so that an envelope with a request of this size stays within a bus message. */
export function chunkTargets(targets: readonly TargetHost[], requestBytes: number): TargetHost[][] {
  const size = Math.floor((maxMessageBytes - otherBytes - requestBytes) / hostIdBytes);
  const chunks: TargetHost[][] = [];
  for (let start = 0; start < targets.length; start += size) chunks.push(targets.slice(start, start + size));
  return chunks;
}

/** The bus message for a draft. Commands of one run keep their order. */
export function buildCommandMessage(issuer: CommandIssuer, draft: CommandDraft): OutgoingMessage {
  const targetIds = encodeHostIds(draft.hostIds);
  const tree = buildTargetTree(targetIds);
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
  const envelope = create(CommandEnvelopeSchema, { signed: signCommand(issuer.signingKey, command), targetIds });
  return { key: draft.runId, value: toBinary(CommandEnvelopeSchema, envelope), expiresAtMs: draft.expiresAtMs };
}
