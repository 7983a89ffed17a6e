// Runs on disk: written in batches while they go on, read back when a run is opened or the control plane starts again.
import type { StateDatabase } from "../state-database.js";
import type { AnswerRow } from "./answer-row.js";
import type { CommandRecord, RunRecord, RunSubject, TargetHost } from "./run-record.js";
import { type PackedTargets, packedTargets } from "./target-set.js";

/** A run as it was stored. */
export interface StoredRun {
  readonly record: RunRecord;
  readonly subject: RunSubject;
  /** In the order in which they were recorded. */
  readonly commands?: readonly CommandRecord[];
  /** In the order in which they came. */
  readonly rows?: readonly StoredRow[];
}

/** A row and its number in the run; numbers grow. */
export interface StoredRow {
  readonly number: number;
  readonly row: AnswerRow;
}

export type StoredSubject = Omit<RunSubject, "targets"> & PackedTargets;

const hostIdDigits = 32;

/** Writes a new run and its first commands, together with what the claim writes, and waits until all is on disk: nothing is sent before. */
export async function createStoredRun(database: StateDatabase, run: StoredRun, claim?: () => void): Promise<void> {
  const { record, subject, commands = [] } = run;
  await database.transaction(() => {
    claim?.();
    void database.subjects.put(record.runId, packSubject(subject));
    void database.runsByTime.put([record.startedAtMs, record.runId], record.principal);
    for (const [number, command] of commands.entries()) void database.commands.put([record.runId, number], command);
    void database.runs.put(record.runId, { ...record });
  });
  await database.flushed();
}

/** Everything that is stored of a run; undefined when there is no such run. */
export function loadStoredRun(database: StateDatabase, runId: string): StoredRun | undefined {
  const record = database.runs.get(runId);
  const subject = database.subjects.get(runId);
  if (!record || !subject) return undefined;
  const rows = [...database.answers.getRange(rangeOf(runId))].map(({ key, value }) => ({ number: key[1], row: value }));
  const commands = [...database.commands.getRange(rangeOf(runId))].map(({ value }) => value);
  return { record, subject: unpackSubject(subject), commands, rows };
}

/** All keys of a run in a table that has several rows for each. */
export function rangeOf(runId: string): { start: [string, number]; end: [string, number] } {
  return { start: [runId, 0], end: [runId, Number.MAX_SAFE_INTEGER] };
}

/** Stores a body once, and that this run needs it. Resolves when it is committed. */
export function putBody(database: StateDatabase, runId: string, digest: string, body: Uint8Array): Promise<unknown> {
  void database.bodies.put(digest, Buffer.from(body.buffer, body.byteOffset, body.length));
  return database.bodyRuns.put([digest, runId], true);
}

/** The body with this digest; undefined when no kept run has it. */
export function getBody(database: StateDatabase, digest: string): Uint8Array | undefined {
  return database.bodies.get(digest);
}

function packSubject({ targets, ...rest }: RunSubject): StoredSubject {
  return { ...rest, ...packedTargets(targets) };
}

function unpackSubject({ hostIds, names, ...rest }: StoredSubject): RunSubject {
  const targets: TargetHost[] = names.split(" ").map((name, index) => ({
    hostId: hostIds.slice(index * hostIdDigits, (index + 1) * hostIdDigits),
    name,
  }));
  return { ...rest, targets };
}
