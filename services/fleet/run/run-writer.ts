// What a run writes while it goes on. A run of which something could not be written never becomes final in this life of the control
// plane: its followers are told, and the next start goes on with what is on disk.
import { ErrorReason, failure } from "../../shared/errors.js";
import type { StateDatabase } from "../state-database.js";
import type { AnswerRow } from "./answer-row.js";
import type { CommandRecord, RunRecord } from "./run-record.js";
import { getBody, putBody } from "./run-store.js";

/** More rows than this are merged into one when the run is finished. */
const maxRows = 32;

/** Everything that becomes durable together. */
export interface RunChange {
  /** Distinct answers that the run had not before, by digest. */
  readonly bodies?: ReadonlyMap<string, Uint8Array>;
  readonly row?: AnswerRow;
  readonly record?: RunRecord;
}

export class RunWriter {
  readonly #database: StateDatabase;
  readonly #runId: string;
  readonly #failed: (cause: unknown) => void;
  readonly #unwritten = new Map<string, Uint8Array>();
  readonly #rows: number[];
  #pending = 0;

  /** `rows` are the numbers of those that are stored already. */
  constructor(database: StateDatabase, runId: string, rows: readonly number[], failed: (cause: unknown) => void) {
    this.#database = database;
    this.#runId = runId;
    this.#rows = [...rows];
    this.#failed = failed;
  }

  /** True when nothing waits to be written. */
  get isSettled(): boolean {
    return this.#pending === 0;
  }

  /** The answer with this digest. Throws STORAGE_FAILED when it is lost. */
  bodyOf(digest: string): Uint8Array {
    const body = this.#unwritten.get(digest) ?? getBody(this.#database, digest);
    if (body) return body;
    throw failure(ErrorReason.STORAGE_FAILED, `the answer ${digest.slice(0, 12)}… is not stored any more`, {
      metadata: { path: "bodies" },
      remedy: "ask the hosts again",
    });
  }

  /** Resolves when the change is committed. */
  async write({ bodies = new Map(), row, record }: RunChange): Promise<void> {
    await this.#write(() => {
      const puts: Promise<unknown>[] = [];
      for (const [digest, body] of bodies) {
        this.#unwritten.set(digest, body);
        puts.push(putBody(this.#database, this.#runId, digest, body));
      }
      if (row) puts.push(this.#database.answers.put([this.#runId, this.#nextRow()], row));
      if (record) puts.push(this.#database.runs.put(this.#runId, record));
      return puts;
    });
    for (const digest of bodies.keys()) this.#unwritten.delete(digest);
  }

  /** Resolves when the commands, which follow `known` others, are on disk. */
  async writeCommands(known: number, commands: readonly CommandRecord[]): Promise<void> {
    await this.#write(() => [
      ...commands.map((command, at) => this.#database.commands.put([this.#runId, known + at], command)),
      this.#database.flushed(),
    ]);
  }

  /** Resolves when everything committed so far is on disk. */
  async flush(): Promise<void> {
    await this.#write(() => [this.#database.flushed()]);
  }

  /** Puts one row with everything that is answered in the place of very many. */
  async mergeRows(merged: () => AnswerRow): Promise<void> {
    if (this.#rows.length <= maxRows) return;
    const old = this.#rows.splice(0);
    const last = old.at(-1) as number;
    this.#rows.push(last);
    const row = merged();
    await this.#write(() => [
      ...old.slice(0, -1).map((number) => this.#database.answers.remove([this.#runId, number])),
      this.#database.answers.put([this.#runId, last], row),
    ]);
  }

  #nextRow(): number {
    const number = (this.#rows.at(-1) ?? -1) + 1;
    this.#rows.push(number);
    return number;
  }

  async #write(puts: () => Promise<unknown>[]): Promise<void> {
    this.#pending++;
    try {
      await Promise.all(puts());
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      this.#pending--;
    }
  }
}
