// The runs of this control plane: those that go on in memory, the others on disk until somebody asks for them.
import type { Run } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { StateDatabase } from "../state-database.js";
import { describeRun } from "./describe-run.js";
import { loadStoredRun } from "./run-store.js";
import { TrackedRun } from "./tracked-run.js";

const maxFinishedInMemory = 16;

export class RunRegistry {
  readonly #database: StateDatabase;
  readonly #runs = new Map<string, TrackedRun>();

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  add(run: TrackedRun): void {
    this.#runs.set(run.record.runId, run);
    this.trim();
  }

  /** A run that goes on, or a stored one; undefined when there is none. */
  find(runId: string): TrackedRun | undefined {
    const live = this.#runs.get(runId);
    if (live) return live;
    const stored = loadStoredRun(this.#database, runId);
    if (!stored) return undefined;
    const run = new TrackedRun(this.#database, stored);
    this.add(run);
    return run;
  }

  /** A run without its hosts; undefined when there is none. */
  describe(runId: string): Run | undefined {
    const live = this.#runs.get(runId);
    if (live) return live.toMessage();
    const record = this.#database.runs.get(runId);
    return record && describeRun(record);
  }

  /** Drops a run from memory, because it is being deleted from disk. False when it goes on. */
  forget(runId: string): boolean {
    const run = this.#runs.get(runId);
    if (run && !run.isFinished) return false;
    this.#runs.delete(runId);
    return true;
  }

  /** Ids of the runs that were not finished when they were written last. */
  unfinished(): string[] {
    const ids: string[] = [];
    for (const { key, value } of this.#database.runs.getRange()) if (value.finishedAtMs === undefined) ids.push(key);
    return ids;
  }

  /** Drops what is finished and written from memory, but for the newest. */
  trim(): void {
    if (this.#runs.size <= maxFinishedInMemory) return;
    const idle = [...this.#runs].filter(([, run]) => run.isFinished && run.isSettled);
    for (const [runId] of idle.slice(0, Math.max(0, idle.length - maxFinishedInMemory))) this.#runs.delete(runId);
  }
}
