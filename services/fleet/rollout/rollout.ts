// One rollout in the hands of the control plane: its record, on disk before anybody acts on it, and who wants to know when it changes.
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { settled } from "../../shared/settled.js";
import { indexesOf } from "../run/spans.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import { nextStep, type RolloutEvent } from "./next-step.js";
import type { RolloutRecord } from "./rollout-record.js";

export class Rollout {
  readonly #database: StateDatabase;
  readonly #listeners = new Set<() => void>();
  #record: RolloutRecord;
  #writing: Promise<void> = Promise.resolve();

  constructor(database: StateDatabase, record: RolloutRecord) {
    this.#database = database;
    this.#record = record;
  }

  /** As it is on disk. */
  get record(): RolloutRecord {
    return this.#record;
  }

  /** Takes the step that the event leads to, after those before it. Resolves when it is on disk; who acts on it waits for that. */
  apply(event: RolloutEvent): Promise<void> {
    const applied = this.#writing.then(async () => {
      const next = nextStep(this.#record, event);
      if (next === this.#record) return;
      await this.#store(next);
      this.#record = next;
      for (const listener of this.#listeners) listener();
    });
    // Its own caller is told of a failure; the next event begins from what is on disk.
    this.#writing = settled(applied);
    return applied;
  }

  /** Writes the first step down, within a transaction. */
  create(): void {
    void this.#database.rollouts.put(this.#record.runId, this.#record);
  }

  /** Calls the listener after each step. Returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #store(record: RolloutRecord): Promise<void> {
    await this.#database.rollouts.put(record.runId, record);
    await this.#database.flushed();
  }
}

/** Targets of the present wave, ascending. */
export function presentWave({ waves, wave }: RolloutRecord): number[] {
  return indexesOf(waves[wave] ?? []);
}

/** Hosts that were sent the change, in this wave or one before it, and did not carry it out, ascending. Silence is a state of its own. */
export function failingHosts(run: TrackedRun): number[] {
  return [...run.targets.keys()].filter((index) => {
    const state = run.account.stateOf(index);
    return run.commands.of(index) !== undefined && state !== HostState.OK && state !== HostState.QUEUED;
  });
}
