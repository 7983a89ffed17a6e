// What a command fails with in the daemon itself.
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Operation } from "../shared/operations.js";
import type { Journal, JournalEntry } from "./journal.js";

/** Largest answer that is sent, in bytes of the encoded response. */
export const maxAnswerBytes = 900 * 1024;

/** The daemon stopped in the middle of this change. */
export function indeterminate({ commandId, startedAtMs }: JournalEntry) {
  const startedAt = new Date(startedAtMs).toISOString();
  return failure(ErrorReason.INDETERMINATE, `the daemon stopped while the change that began at ${startedAt} ran`, {
    metadata: { command_id: commandId, started_at: startedAt },
    remedy: "look at the host, then make a new plan",
  });
}

/** The change is older than the journal, so that it may have run already. */
export function journalLost(command: Command, journal: Journal) {
  const issuedAt = timestampDate(command.issuedAt as Timestamp).toISOString();
  const since = new Date(journal.sinceMs).toISOString();
  return failure(
    ErrorReason.JOURNAL_LOST,
    `the change was issued at ${issuedAt}, before this host's journal began at ${since}`,
    {
      metadata: { issued_at: issuedAt, journal_since: since },
      remedy: "look at the host, then make a new plan",
    },
  );
}

/** The fleet cancelled it. */
export function cancelled(commandId: string) {
  return failure(ErrorReason.CANCELLED, `command ${commandId} was cancelled`, {
    remedy: "ask again if it was a mistake",
  });
}

/** The daemon is going. */
export function daemonStops(hostId: string) {
  return failure(ErrorReason.UNREACHABLE, `the daemon of host ${hostId} is stopping`, {
    metadata: { address: hostId },
    remedy: "ask again when it is back",
  });
}

/** The answer is larger than what is sent. */
export function tooLarge(operation: Operation, bytes: number, isChange: boolean) {
  const done = isChange ? "it was carried out, but its" : "its";
  return failure(
    ErrorReason.TOO_LARGE,
    `${operation.name}: ${done} answer has ${bytes} bytes, at most ${maxAnswerBytes} are sent`,
    {
      metadata: { bytes: String(bytes), limit: String(maxAnswerBytes) },
      remedy: "ask for less: filter, or set a smaller limit",
    },
  );
}
