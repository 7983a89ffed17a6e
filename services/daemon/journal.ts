// What this host knows of changes, across restarts: STARTED is on disk before a change begins, its result right after. It is
// the replay memory of changes too: a command id that stands here never runs again.
import { mkdirSync } from "node:fs";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Database, open } from "lmdb";
import type { Command } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";

/** One change. */
export interface JournalEntry {
  readonly commandId: string;
  readonly runId: string;
  readonly replyPartition: number;
  readonly expiresAtMs: number;
  /** When it began, or was refused. */
  readonly startedAtMs: number;
  /** The encoded Reply; absent as long as the change runs, and for ever when the daemon stopped within. */
  readonly reply?: Uint8Array;
  /** True when the bus has the reply. */
  readonly reported?: boolean;
}

export interface Journal {
  /** When it was created; what was issued before may have run already. */
  readonly sinceMs: number;
  find(commandId: string): JournalEntry | undefined;
  /** Resolves when it is on disk. */
  write(entry: JournalEntry): Promise<void>;
  /** Changes whose reply the bus does not have. */
  unreported(): JournalEntry[];
  /** A number greater than at every former call, on disk when it resolves. */
  nextAttachment(): Promise<bigint>;
  close(): Promise<void>;
}

/** Journals of one or many hosts in one environment; each sees its own entries alone. */
export interface JournalStore {
  /** The journal of the host with this key, which begins now by its clock when there is none. Closed with the store. */
  open(hostKey: string, clock: () => number): Promise<Journal>;
  close(): Promise<void>;
}

// Commands are refused after their expiry anyway; results stay readable a while longer.
const keptAfterExpiryMs = 7 * 24 * 3_600_000;
// Sorts behind every command id.
const behindKeys = "\uffff";

/** Opens the journal in this directory, or begins one there. STORAGE_FAILED. */
export async function openJournal(directory: string, clock = Date.now): Promise<Journal> {
  const store = await openJournalStore(directory);
  const journal = await store.open("", clock);
  return {
    ...journal,
    async close() {
      await journal.close();
      await store.close();
    },
  };
}

/** Opens the environment in this directory, or makes one there. STORAGE_FAILED. */
export async function openJournalStore(directory: string): Promise<JournalStore> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Without overlapping sync a write's promise resolves after fsync.
    const root = open({ path: directory, overlappingSync: false, maxDbs: 2 });
    const entries: Database<JournalEntry, string> = root.openDB({ name: "journal" });
    const numbers: Database<number, string> = root.openDB({ name: "numbers" });
    return {
      async open(hostKey, clock) {
        if (numbers.get(`${hostKey}since`) === undefined) await numbers.put(`${hostKey}since`, clock());
        await prune(entries, hostKey, clock());
        return createJournal(entries, numbers, hostKey, clock);
      },
      close: () => root.close(),
    };
  } catch (cause) {
    throw failure(ErrorReason.STORAGE_FAILED, `cannot open the journal in ${directory}: ${(cause as Error).message}`, {
      metadata: { path: directory },
      remedy: "make the directory writable by the daemon, or name another state directory",
      cause,
    });
  }
}

/** The part of an entry that the command itself says. */
export function entryOf(command: Command, startedAtMs: number): JournalEntry {
  const { commandId, runId, replyPartition } = command;
  const expiresAtMs = timestampMs(command.expiresAt as Timestamp);
  return { commandId, runId, replyPartition, expiresAtMs, startedAtMs };
}

function createJournal(
  entries: Database<JournalEntry, string>,
  numbers: Database<number, string>,
  hostKey: string,
  clock: () => number,
): Journal {
  let closed = false;
  const writes = new Set<Promise<boolean>>();
  const attachmentKey = `${hostKey}attachment`;
  return {
    sinceMs: numbers.get(`${hostKey}since`) as number,
    find: (commandId) => entries.get(hostKey + commandId),
    async write(entry) {
      if (closed) throw journalClosed();
      const written = entries.put(hostKey + entry.commandId, entry);
      writes.add(written);
      try {
        await written;
      } catch (cause) {
        throw notWritten(entry, cause as Error);
      } finally {
        writes.delete(written);
      }
    },
    unreported: () => [...rangeOf(entries, hostKey)].map(({ value }) => value).filter(({ reported }) => !reported),
    async nextAttachment() {
      const next = Math.max((numbers.get(attachmentKey) ?? 0) + 1, clock());
      await numbers.put(attachmentKey, next);
      return BigInt(next);
    },
    async close() {
      closed = true;
      await Promise.allSettled(writes);
    },
  };
}

function rangeOf(entries: Database<JournalEntry, string>, hostKey: string) {
  return entries.getRange({ start: hostKey, end: hostKey + behindKeys });
}

function journalClosed() {
  return failure(ErrorReason.STORAGE_FAILED, "the journal is closed", { remedy: "start the daemon again" });
}

function notWritten({ commandId }: JournalEntry, cause: Error) {
  return failure(ErrorReason.STORAGE_FAILED, `cannot write command ${commandId} to the journal: ${cause.message}`, {
    metadata: { path: "journal" },
    remedy: "free disk space on the host, and look at its disk",
    cause,
  });
}

async function prune(entries: Database<JournalEntry, string>, hostKey: string, now: number): Promise<void> {
  const old = [...rangeOf(entries, hostKey)].filter(({ value }) => value.expiresAtMs + keptAfterExpiryMs < now);
  await Promise.all(old.map(({ key }) => entries.remove(key)));
}
