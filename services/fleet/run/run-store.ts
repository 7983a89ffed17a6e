// Runs on disk: written in batches while they go on, read back when a run is opened or the control plane starts again.
import type { StateDatabase } from "../state-database.js";
import type { HostAnswer, RunRecord, RunSubject } from "./run-record.js";

/** A run as it was stored. */
export interface StoredRun {
  readonly record: RunRecord;
  readonly subject: RunSubject;
  /** By index of the target; hosts that are queued have none. */
  readonly answers: ReadonlyMap<number, HostAnswer>;
}

/** Writes a new run and waits until it is on disk: nothing is sent before. */
export async function createStoredRun(database: StateDatabase, record: RunRecord, subject: RunSubject): Promise<void> {
  void database.subjects.put(record.runId, { request: subject.request, targets: [...subject.targets] });
  void database.runsByTime.put([record.startedAtMs, record.runId], record.principal);
  await database.runs.put(record.runId, { ...record });
  await database.flushed();
}

/** Everything that is stored of a run; undefined when there is no such run. */
export function loadStoredRun(database: StateDatabase, runId: string): StoredRun | undefined {
  const record = database.runs.get(runId);
  const subject = database.subjects.get(runId);
  if (!record || !subject) return undefined;
  const answers = new Map<number, HostAnswer>();
  for (const { key, value } of database.answers.getRange({ start: [runId, 0], end: [runId, subject.targets.length] })) {
    answers.set(key[1], value);
  }
  return { record, subject, answers };
}

/** Stores a body once, and that this run needs it. Resolves when it is committed. */
export async function putBody(database: StateDatabase, runId: string, digest: string, body: Uint8Array): Promise<void> {
  void database.bodies.put(digest, Buffer.from(body));
  await database.bodyRuns.put([digest, runId], true);
}

/** The body with this digest; undefined when no kept run has it. */
export function getBody(database: StateDatabase, digest: string): Uint8Array | undefined {
  return database.bodies.get(digest);
}
