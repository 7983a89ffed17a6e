// One run in the hands of the control plane: takes replies, closes accounts, keeps everything durable, tells listeners.
//
// A run is concluded when its caller can be answered: every host that is there has a final state. It is finished when every host has
// one; while its command can still be delivered, hosts that are away may stay queued until then, and hosts that were there and silent
// may turn out to have been away. It goes on after that too: what changes a concluded run makes its next revision.
import type { CommandAnswers, Reply } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import { HostState, type Run } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { decodeHostIds } from "../../identity/target-tree.js";
import { findOperation, type Operation } from "../../shared/operations.js";
import type { StateDatabase } from "../state-database.js";
import { type ClosedState, RunAccount } from "./accounting.js";
import { AnswerTable, noDuration } from "./answer-table.js";
import { describeRun } from "./describe-run.js";
import type { RunReplies } from "./group-replies.js";
import { durationOf, ReplyReader, type Verdict } from "./read-reply.js";
import { type Changes, noChanges, type RepliesTaken } from "./run-changes.js";
import type { CommandRecord, HostAnswer, HostProblem, RunRecord, RunSubject, TargetHost } from "./run-record.js";
import type { StoredRun } from "./run-store.js";
import { RunWriter } from "./run-writer.js";
import { SentCommands } from "./sent-commands.js";
import { Settlement } from "./settlement.js";
import { targetIndexes } from "./target-set.js";

export class TrackedRun {
  readonly record: RunRecord;
  readonly subject: RunSubject;
  readonly operation: Operation;
  readonly account: RunAccount;
  readonly commands: SentCommands;
  readonly #settlement = new Settlement();
  readonly #table: AnswerTable;
  readonly #reader: ReplyReader;
  readonly #writer: RunWriter;
  readonly #indexByHost: ReadonlyMap<string, number>;
  readonly #storedBodies = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #delivers: boolean;

  constructor(database: StateDatabase, { record, subject, commands = [], rows = [] }: StoredRun) {
    this.record = { ...record };
    this.subject = subject;
    this.operation = findOperation(record.method);
    this.account = new RunAccount(subject.targets.length, this.record);
    this.commands = new SentCommands(subject.targets.length, commands);
    this.#table = new AnswerTable(this.account);
    this.#reader = new ReplyReader(this.operation.method.output, this.#table);
    this.#indexByHost = targetIndexes(subject.targets);
    const numbers = rows.map(({ number }) => number);
    this.#writer = new RunWriter(database, record.runId, numbers, (cause) => this.#settlement.fail(cause));
    for (const { row } of rows) this.#table.restore(row);
    this.#delivers = record.deliverUntilMs > Math.max(record.deadlineMs, Date.now());
    if (this.isConcluded) this.#settlement.conclude();
    if (this.isFinished) this.#settlement.finish();
  }

  get targets(): readonly TargetHost[] {
    return this.subject.targets;
  }

  /** True when the caller can be answered. */
  get isConcluded(): boolean {
    return this.record.concludedAtMs !== undefined;
  }

  /** Whether its command can still be delivered to hosts that were not there before. */
  get delivers(): boolean {
    return this.#delivers;
  }

  /** True when every host has a final state. */
  get isFinished(): boolean {
    return this.record.finishedAtMs !== undefined;
  }

  /** Resolves when the caller can be answered and what it is told is on disk; rejects when that cannot be written. */
  get concluded(): Promise<void> {
    return this.#settlement.concluded;
  }

  /** Resolves when every host has a final state that is on disk; rejects when that cannot be written. */
  get finished(): Promise<void> {
    return this.#settlement.finished;
  }

  /** True when nothing of it waits to be written. */
  get isSettled(): boolean {
    return this.#writer.isSettled;
  }

  indexOf(hostId: string): number | undefined {
    return this.#indexByHost.get(hostId);
  }

  /** What a target answered; undefined while it is queued. */
  answerOf(index: number): HostAnswer | undefined {
    return this.account.stateOf(index) === HostState.QUEUED ? undefined : this.#table.answerOf(index);
  }

  /** The distinct answers, each with the indexes of the hosts that gave it. */
  groups(): { digest: string; hosts: number[] }[] {
    return this.#table.groups();
  }

  /** The response with this digest, which some host of the run gave. Throws STORAGE_FAILED when it is lost. */
  bodyOf(digest: string): Uint8Array {
    return this.#writer.bodyOf(digest);
  }

  /** Takes replies that came together. Resolves when they are committed; the bus may then forget them. */
  async accept({ answers, others }: RunReplies): Promise<RepliesTaken> {
    const changes = noChanges();
    for (const columns of answers) this.#takeAnswers(columns, changes);
    for (const reply of others) this.#takeReply(reply, changes);
    const { accounted, ...beside } = changes.taken;
    await this.#commit(
      changes,
      Object.values(beside).some((count) => count > 0),
    );
    return changes.taken;
  }

  /** Gives hosts the answers that another run of the same request has; their bodies are stored already. */
  async adopt(answers: Iterable<readonly [number, HostAnswer, Uint8Array]>): Promise<void> {
    const changes = noChanges();
    for (const [index, { state, digest = "", durationMs = noDuration }, body] of answers) {
      const detail = this.#table.digestNumber(digest);
      this.#take(index, { state, detail, digest, body }, durationMs, changes);
    }
    await this.#commit(changes);
  }

  /** Writes down that these commands are sent; they may be when it resolves. */
  async addCommands(commands: readonly CommandRecord[]): Promise<void> {
    const known = this.commands.all.length;
    this.commands.add(commands);
    await this.#writer.writeCommands(known, commands);
  }

  /** Stops waiting for those of these hosts that are still queued. */
  close(hosts: Iterable<readonly [number, HostProblem]>, state: ClosedState): void {
    const changes = noChanges();
    for (const [index, problem] of hosts) {
      if (!this.account.close(index, state)) continue;
      this.#table.set(index, this.#table.problemNumber(problem), noDuration);
      changes.indexes.push(index);
      changes.moved = true;
    }
    void this.#commit(changes).catch(ignoreFailedRun);
  }

  /** Stops waiting for every host that is still queued. */
  closeAll(state: ClosedState, problem: HostProblem): void {
    this.close(
      this.queued().map((index) => [index, problem] as const),
      state,
    );
  }

  /** Indexes of the hosts that are still queued. */
  queued(): number[] {
    return this.account.indexesIn(HostState.QUEUED);
  }

  /** Indexes of the hosts that have no final state: with the queued ones, those that were silent and may yet attach anew. */
  open(): number[] {
    return this.#delivers ? [...this.queued(), ...this.account.indexesIn(HostState.NO_ANSWER)] : this.queued();
  }

  /** Delivers to nobody any more who was not there before, which may finish the run. */
  endDelivery(): void {
    this.#delivers = false;
    this.finishIfComplete();
  }

  /** Lets the caller be answered while hosts have no final state: they are away, or their turn has not come. */
  conclude(): void {
    if (this.isConcluded) return;
    this.record.concludedAtMs = Date.now();
    void this.#store(() => this.#settlement.conclude()).catch(ignoreFailedRun);
    this.#tell();
  }

  /** Ends the run when every host has a final state: for one that was interrupted just before its end was stored, too. */
  finishIfComplete(): void {
    if (this.#isOpen || this.isFinished) return;
    this.account.verify();
    this.record.finishedAtMs = Date.now();
    this.record.concludedAtMs ??= this.record.finishedAtMs;
    void this.#store(() => this.#settlement.finish())
      .then(() => this.#writer.mergeRows(() => this.#table.toRow(this.targets.keys())))
      .catch(ignoreFailedRun);
    this.#tell();
  }

  /** Calls the listener after each change. Returns the function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  toMessage(): Run {
    return describeRun(this.#recordNow());
  }

  get #isOpen(): boolean {
    return this.account.queued > 0 || (this.#delivers && this.account.count(HostState.NO_ANSWER) > 0);
  }

  #takeAnswers({ commandId, bodies, hostIds, bodyIndexes, durationMilliseconds }: CommandAnswers, changes: Changes) {
    const verdicts = bodies.map((body) => this.#reader.readBody(body));
    for (const [at, hostId] of decodeHostIds(hostIds).entries()) {
      const index = this.#targetOf(hostId, commandId);
      const verdict = verdicts[bodyIndexes[at] ?? -1];
      if (index === undefined || !verdict) this.#countInvalid(changes);
      else this.#take(index, verdict, durationMilliseconds[at] ?? noDuration, changes);
    }
  }

  #takeReply(reply: Reply, changes: Changes): void {
    const index = this.#targetOf(reply.hostId, reply.commandId);
    const verdict = index === undefined ? undefined : this.#reader.read(reply);
    if (index === undefined || !verdict) this.#countInvalid(changes);
    else this.#take(index, verdict, durationOf(reply), changes);
  }

  // A host answers the command that it was sent and no other.
  #targetOf(hostId: string, commandId: string): number | undefined {
    const index = this.#indexByHost.get(hostId);
    return index !== undefined && this.commands.of(index)?.commandId === commandId ? index : undefined;
  }

  #take(index: number, { state, detail, digest, body }: Verdict, durationMs: number, changes: Changes): void {
    const former = this.account.stateOf(index);
    const taken = this.account.answer(index, state);
    changes.taken[taken]++;
    if (taken === "duplicate") return;
    changes.moved ||= former !== state;
    if (digest !== undefined && body && !this.#storedBodies.has(digest)) {
      this.#storedBodies.add(digest);
      changes.bodies.set(digest, body);
    }
    this.#table.set(index, detail, durationMs);
    changes.indexes.push(index);
  }

  #countInvalid({ taken }: Changes): void {
    this.account.countInvalid();
    taken.invalid++;
  }

  // What came together is one row, and one revision of a run whose caller was answered before.
  async #commit({ indexes, moved, bodies }: Changes, recordChanged = false): Promise<void> {
    const revised = this.isConcluded && moved;
    if (revised) this.record.revision++;
    const committed = this.#writer.write({
      bodies,
      ...(indexes.length > 0 ? { row: this.#table.toRow(indexes) } : {}),
      ...(recordChanged || revised ? { record: this.#recordNow() } : {}),
    });
    if (indexes.length > 0) {
      this.finishIfComplete();
      this.#tell();
    }
    await committed;
  }

  // Final states are told only once they are on disk.
  async #store(then: () => void): Promise<void> {
    await this.#writer.write({ record: this.#recordNow() });
    await this.#writer.flush();
    then();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #recordNow(): RunRecord {
    return { ...this.record, states: this.account.counts() };
  }
}

// Every failed write has been told to whoever awaits the run's end already.
function ignoreFailedRun(): void {}
