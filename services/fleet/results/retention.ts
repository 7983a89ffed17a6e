// How long runs, their answers and plans are kept: by age, and by number of runs. A body goes with the last run that has it.
import type { Logger } from "../../shared/log.js";
import type { RunRecord } from "../run/run-record.js";
import { rangeOf } from "../run/run-store.js";
import type { StateDatabase } from "../state-database.js";

/** What is kept. */
export interface Retention {
  readonly maxAgeMs: number;
  readonly maxRuns: number;
}

/** What the product uses: seven days, and at most so many runs. */
export const defaultRetention: Retention = { maxAgeMs: 7 * 24 * 3600 * 1000, maxRuns: 2_000 };

const sweepIntervalMs = 3600 * 1000;

/** Deletes what is too old now and then every hour. `forget` says whether a run may go. Returns the function that ends it. */
export function startRetention(
  database: StateDatabase,
  retention: Retention,
  forget: (runId: string) => boolean,
  log: Logger,
): () => Promise<void> {
  const sweep = () =>
    deleteExpired(database, retention, forget).catch((error) =>
      log.error({ err: error }, "old results could not be deleted"),
    );
  let sweeping = sweep();
  const timer = setInterval(() => {
    sweeping = sweep();
  }, sweepIntervalMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await sweeping;
  };
}

/** Deletes runs and plans past their retention. Resolves with the number of runs deleted. */
export async function deleteExpired(
  database: StateDatabase,
  { maxAgeMs, maxRuns }: Retention,
  forget: (runId: string) => boolean,
): Promise<number> {
  const oldest = Date.now() - maxAgeMs;
  let surplus = database.runsByTime.getKeysCount() - maxRuns;
  let deleted = 0;
  for (const [startedAtMs, runId] of [...database.runsByTime.getKeys()]) {
    if (startedAtMs >= oldest && surplus <= 0) break;
    if (!(await discardRun(database, { startedAtMs, runId }, forget))) continue;
    surplus--;
    deleted++;
  }
  for (const { key, value: plan } of database.plans.getRange()) {
    if (plan.expiresAtMs < oldest) await database.plans.remove(key);
  }
  return deleted;
}

/** Deletes a run that is over, with its answers. False when it goes on. */
export async function discardRun(
  database: StateDatabase,
  { startedAtMs, runId }: Pick<RunRecord, "startedAtMs" | "runId">,
  forget: (runId: string) => boolean,
): Promise<boolean> {
  if (!forget(runId)) return false;
  await database.transaction(() => deleteRun(database, startedAtMs, runId));
  // Somebody may have read it meanwhile, and so brought it back into memory.
  forget(runId);
  return true;
}

function deleteRun(database: StateDatabase, startedAtMs: number, runId: string): void {
  const digests = new Set<string>();
  for (const { key, value } of [...database.answers.getRange(rangeOf(runId))]) {
    for (const digest of value.digests) digests.add(digest);
    database.answers.remove(key);
  }
  for (const key of [...database.commands.getKeys(rangeOf(runId))]) database.commands.remove(key);
  for (const digest of digests) {
    database.bodyRuns.remove([digest, runId]);
    const users = [...database.bodyRuns.getKeys({ start: [digest, ""], end: [digest, "\uffff"], limit: 2 })];
    if (users.every(([, user]) => user === runId)) database.bodies.remove(digest);
  }
  database.rollouts.remove(runId);
  database.subjects.remove(runId);
  database.runs.remove(runId);
  database.runsByTime.remove([startedAtMs, runId]);
}
