// One run in the hands of the control plane: takes replies, closes accounts, keeps everything durable, tells listeners.
// It goes on after it finished: late answers make its next revision.
import type { Reply } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import { HostState, type Run } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findOperation, type Operation } from "../../shared/operations.js";
import type { StateDatabase } from "../state-database.js";
import { type ClosedState, RunAccount } from "./accounting.js";
import { describeRun } from "./describe-run.js";
import { canDecode, readReply, unreadableAnswer } from "./read-reply.js";
import type { HostAnswer, HostProblem, RunRecord, RunSubject, TargetHost } from "./run-record.js";
import { getBody, putBody } from "./run-store.js";

/** What a run begins with; `answers` are those of an earlier life of the control plane. */
export interface RunBeginning {
  readonly record: RunRecord;
  readonly subject: RunSubject;
  readonly answers?: ReadonlyMap<number, HostAnswer>;
}

/** What became of a reply. */
export type ReplyTaken = "accounted" | "late" | "duplicate" | "invalid";

export class TrackedRun {
  readonly record: RunRecord;
  readonly targets: readonly TargetHost[];
  /** Encoded request, as sent. */
  readonly request: Uint8Array;
  readonly operation: Operation;
  readonly account: RunAccount;
  /** Resolves when every host has a final state that is on disk; rejects when that cannot be written. */
  readonly finished: Promise<void>;
  readonly #answers: (HostAnswer | undefined)[];
  readonly #indexByHost: ReadonlyMap<string, number>;
  readonly #readable = new Map<string, boolean>();
  readonly #storedBodies = new Set<string>();
  readonly #unwritten = new Map<string, Uint8Array>();
  readonly #listeners = new Set<() => void>();
  readonly #database: StateDatabase;
  #finishing = false;
  #pendingWrites = 0;
  #resolveFinished: () => void = () => {};
  #rejectFinished: (cause: unknown) => void = () => {};

  constructor(database: StateDatabase, { record, subject, answers = new Map() }: RunBeginning) {
    this.#database = database;
    this.record = { ...record };
    this.targets = subject.targets;
    this.request = subject.request;
    this.operation = findOperation(record.method);
    this.account = new RunAccount(this.targets.length, this.record);
    this.#answers = new Array(this.targets.length).fill(undefined);
    this.#indexByHost = new Map(this.targets.map((target, index) => [target.hostId, index]));
    for (const [index, answer] of answers) {
      this.#answers[index] = answer;
      this.account.restore(index, answer.state, answer.answered);
      if (answer.digest) this.#readable.set(answer.digest, true);
    }
    this.finished = new Promise((resolve, reject) => {
      this.#resolveFinished = resolve;
      this.#rejectFinished = reject;
    });
    this.finished.catch(ignoreFailedRun);
    if (record.finishedAtMs !== undefined) {
      this.#finishing = true;
      this.#resolveFinished();
    }
  }

  get isFinished(): boolean {
    return this.#finishing;
  }

  /** True when nothing of it waits to be written. */
  get isSettled(): boolean {
    return this.#pendingWrites === 0;
  }

  indexOf(hostId: string): number | undefined {
    return this.#indexByHost.get(hostId);
  }

  /** What a target answered; undefined while it is queued. */
  answerOf(index: number): HostAnswer | undefined {
    return this.#answers[index];
  }

  /** The response with this digest, which some host of the run gave. Throws STORAGE_FAILED when it is lost. */
  bodyOf(digest: string): Uint8Array {
    const body = this.#unwritten.get(digest) ?? getBody(this.#database, digest);
    if (body) return body;
    throw failure(ErrorReason.STORAGE_FAILED, `the answer ${digest.slice(0, 12)}… is not stored any more`, {
      metadata: { path: "bodies" },
      remedy: "ask the hosts again",
    });
  }

  /** Takes a host's reply. Resolves when it is committed; the bus may then forget it. */
  async accept(reply: Reply): Promise<ReplyTaken> {
    const index = this.indexOf(reply.hostId);
    const answer = readReply(reply);
    if (index === undefined || !answer || !this.record.commandIds.includes(reply.commandId)) {
      this.account.countInvalid();
      await this.#storeRecord();
      return "invalid";
    }
    return await this.#take(index, answer, reply.body);
  }

  /** Gives a host the answer that another run of the same request has; its body is stored already. */
  async adopt(index: number, answer: HostAnswer, body: Uint8Array): Promise<void> {
    await this.#take(index, answer, body);
  }

  /** Stops waiting for a host that is still queued. */
  close(index: number, state: ClosedState, problem: HostProblem): void {
    if (!this.account.close(index, state)) return;
    void this.#store(index, { state, answered: false, problem }).catch(ignoreFailedRun);
    this.#changed();
  }

  /** Stops waiting for every host that is still queued. */
  closeAll(state: ClosedState, problem: HostProblem): void {
    this.targets.forEach((_, index) => {
      if (this.account.stateOf(index) === HostState.QUEUED) this.close(index, state, problem);
    });
  }

  /** Ends the run when no host is queued: for one that was interrupted just before its end was stored. */
  finishIfComplete(): void {
    if (this.account.queued === 0 && !this.#finishing) void this.#finish();
  }

  /** Calls the listener after each change. Returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  toMessage(): Run {
    return describeRun(this.#recordNow());
  }

  async #take(index: number, given: HostAnswer, body: Uint8Array): Promise<ReplyTaken> {
    const answer = this.#isReadable(given, body) ? given : unreadableAnswer(given, this.operation.method.output);
    const former = this.account.stateOf(index);
    const taken = this.account.answer(index, answer.state);
    if (taken === "duplicate") {
      await this.#storeRecord();
      return taken;
    }
    if (this.#finishing && former !== answer.state) this.record.revision++;
    const counted = taken === "late" ? this.#storeRecord() : undefined;
    const committed = this.#store(index, answer, body);
    this.#changed();
    await Promise.all([counted, committed]);
    return taken;
  }

  // Whether a response can be read is asked once per digest; the answer that is asked about is not stored before.
  #isReadable(answer: HostAnswer, body: Uint8Array): boolean {
    if (!answer.digest) return true;
    const known = this.#readable.get(answer.digest);
    if (known !== undefined) return known;
    const readable = canDecode(this.operation.method.output, body);
    this.#readable.set(answer.digest, readable);
    return readable;
  }

  async #store(index: number, answer: HostAnswer, body?: Uint8Array): Promise<void> {
    this.#answers[index] = answer;
    const { runId } = this.record;
    await this.#write(async () => {
      const stored = answer.digest && body ? this.#storeBody(answer.digest, body) : undefined;
      await Promise.all([stored, this.#database.answers.put([runId, index], answer)]);
    });
  }

  #storeBody(digest: string, body: Uint8Array): Promise<void> | undefined {
    if (this.#storedBodies.has(digest)) return undefined;
    this.#storedBodies.add(digest);
    this.#unwritten.set(digest, body);
    return putBody(this.#database, this.record.runId, digest, body).finally(() => this.#unwritten.delete(digest));
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
    this.finishIfComplete();
  }

  // Final states are told only once they are on disk.
  async #finish(): Promise<void> {
    this.#finishing = true;
    this.account.verify();
    this.record.finishedAtMs = Date.now();
    await this.#storeRecord().then(
      () => this.#database.flushed().then(this.#resolveFinished, this.#rejectFinished),
      ignoreFailedRun,
    );
    for (const listener of this.#listeners) listener();
  }

  #recordNow(): RunRecord {
    return { ...this.record, states: this.account.counts() };
  }

  #storeRecord(): Promise<void> {
    return this.#write(() => this.#database.runs.put(this.record.runId, this.#recordNow()));
  }

  // A run of which something could not be written never becomes final here: its followers are told, and the next start
  // of the control plane goes on with what is on disk.
  async #write(action: () => Promise<unknown>): Promise<void> {
    this.#pendingWrites++;
    try {
      await action();
    } catch (error) {
      this.#rejectFinished(error);
      throw error;
    } finally {
      this.#pendingWrites--;
    }
  }
}

// Every failed write has rejected `finished` already, which is where it is reported.
function ignoreFailedRun(): void {}
