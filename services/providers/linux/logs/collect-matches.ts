// Counts all matches of a journal read newest first, and keeps the newest.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LogEntrySchema } from "../../../gen/systemsmanager/telemetry/v1/log_pb.js";
import { cursorOf, textOf, timeOf, toLogEntry } from "./journal-entry.js";
import type { JournalFields } from "./journal-export.js";

/** What an entry must be to match, and how many are kept. Times in microseconds since the epoch. */
export interface MatchOptions {
  readonly since?: bigint;
  readonly until?: bigint;
  readonly matches: (message: string) => boolean;
  /** The entry that the caller has already. */
  readonly afterCursor?: string;
  readonly limit: number;
}

/** Message bytes of one answer, so that a reply stays far below the bus's 1 MiB whatever the limit is. */
export const answerBytesLimit = 512 * 1024;

/** Feed it entries newest first. */
export class MatchCollector {
  /** Newest first. */
  readonly kept: MessageInitShape<typeof LogEntrySchema>[] = [];
  matchedCount = 0;
  /** Cursor of the oldest kept entry. */
  oldestCursor = "";
  #messageBytes = 0;
  #isFull = false;

  constructor(readonly options: MatchOptions) {}

  /** False when no older entry can match. */
  add(fields: JournalFields): boolean {
    const { since, until, matches, afterCursor } = this.options;
    const time = timeOf(fields);
    if (since !== undefined && time < since) return false;
    if (until !== undefined && time > until) return true;
    const cursor = cursorOf(fields);
    if (cursor === afterCursor || !matches(textOf(fields, "MESSAGE"))) return true;
    this.matchedCount++;
    if (!this.#isFull) this.#keep(fields, cursor);
    return true;
  }

  #keep(fields: JournalFields, cursor: string): void {
    const entry = toLogEntry(fields);
    this.#messageBytes += Buffer.byteLength(entry.message ?? "");
    this.#isFull = this.kept.length > 0 && this.#messageBytes > answerBytesLimit;
    if (this.#isFull) return;
    this.kept.push(entry);
    this.oldestCursor = cursor;
    this.#isFull = this.kept.length >= this.options.limit;
  }
}
