// What a failure means for the accounting of a run, said in one place for daemon and relay.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { Command } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { type Reply, ReplyOutcome, ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason, errorDetailOf } from "./errors.js";

/** The command and host that a reply speaks of. */
export interface ReplySubject {
  readonly command: Pick<Command, "commandId" | "runId" | "replyPartition">;
  readonly hostId: string;
  readonly startedAtMs: number;
  /** The host's clock; the process's when absent. */
  readonly clock?: () => number;
}

/** A reply with this answer, finished now. Written out, because every host makes one for every command. */
export function okReply(subject: ReplySubject, body: Uint8Array, bodyDigest: Uint8Array): Reply {
  const { command, hostId, startedAtMs, clock = Date.now } = subject;
  return {
    $typeName: "systemsmanager.bus.v1.Reply",
    commandId: command.commandId,
    runId: command.runId,
    hostId,
    outcome: ReplyOutcome.OK,
    body,
    bodyDigest,
    statusCode: 0,
    message: "",
    startedAt: timestampFromMs(startedAtMs),
    finishedAt: timestampFromMs(clock()),
    fromJournal: false,
    replyPartition: command.replyPartition,
  };
}

// The fields that every reply has; finished now.
function replyFields({ command, hostId, startedAtMs, clock = Date.now }: ReplySubject) {
  const { commandId, runId, replyPartition } = command;
  const startedAt = timestampFromMs(startedAtMs);
  return { commandId, runId, replyPartition, hostId, startedAt, finishedAt: timestampFromMs(clock()) };
}

/** A reply that says what failed. */
export function failedReply(subject: ReplySubject, error: unknown): Reply {
  const detail = errorDetailOf(error);
  const { code, rawMessage } = ConnectError.from(error);
  return create(ReplySchema, {
    ...replyFields(subject),
    outcome: outcomeOf(detail.reason),
    statusCode: code,
    message: rawMessage,
    error: detail,
  });
}

/** The outcome that a failure with this reason is counted as. */
export function outcomeOf(reason: ErrorReason): ReplyOutcome {
  switch (reason) {
    case ErrorReason.CANCELLED:
      return ReplyOutcome.CANCELLED;
    case ErrorReason.COMMAND_EXPIRED:
      return ReplyOutcome.EXPIRED;
    case ErrorReason.INDETERMINATE:
      return ReplyOutcome.INDETERMINATE;
    case ErrorReason.MALFORMED_ENVELOPE:
    case ErrorReason.BAD_SIGNATURE:
    case ErrorReason.WRONG_FLEET:
    case ErrorReason.NOT_A_TARGET:
    case ErrorReason.PLAN_REQUIRED:
    case ErrorReason.JOURNAL_LOST:
    case ErrorReason.PERMISSION_DENIED:
      return ReplyOutcome.DENIED;
    default:
      return ReplyOutcome.FAILED;
  }
}
