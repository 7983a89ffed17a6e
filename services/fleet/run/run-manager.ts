// All runs of this control plane: starts them, gives each its replies, resumes what a restart interrupted, cancels.
import { fromBinary } from "@bufbuild/protobuf";
import type { Bus, IncomingMessage } from "../../bus/bus.js";
import { type Reply, ReplyBatchSchema } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import { HostState, type Run } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, errorDetailOf, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { OpenSpan } from "../../tracing/spans.js";
import { readTraceContext, type TraceHeaders, writeTraceContext } from "../../tracing/trace-context.js";
import type { Inventory } from "../inventory/inventory.js";
import type { StateDatabase } from "../state-database.js";
import { buildCommandMessage, type CommandDraft, type CommandIssuer } from "./build-commands.js";
import { describeRun } from "./describe-run.js";
import { draftCancellations, draftCommands } from "./draft-commands.js";
import { repliesOf } from "./open-batch.js";
import { newRecord, type RunOrder } from "./run-order.js";
import type { HostAnswer } from "./run-record.js";
import { endRunSpan, startRunSpan } from "./run-span.js";
import { createStoredRun, getBody, loadStoredRun } from "./run-store.js";
import { TrackedRun } from "./tracked-run.js";
import { type Patience, type RunPhase, watchRun } from "./waiting.js";

export interface RunManagerOptions {
  readonly bus: Bus;
  readonly database: StateDatabase;
  readonly inventory: Inventory;
  readonly issuer: CommandIssuer;
  readonly log: Logger;
  readonly patience: Patience;
  /** Runs that go on at the same time; one more is refused as BUSY. */
  readonly maxActiveRuns: number;
}

/** Open until closed by its maker; closing leaves unfinished runs to the next start. */
export interface RunManager {
  /** Resolves when the command is on its way. Throws BUSY. */
  start(order: RunOrder): Promise<TrackedRun>;
  /** Starts and ends a run in which nothing has to be sent: every host has its answer already. */
  adopt(order: RunOrder, answers: ReadonlyMap<string, HostAnswer>): Promise<TrackedRun>;
  /** A run that goes on, or a stored one; undefined when there is none. */
  find(runId: string): TrackedRun | undefined;
  /** A run without its hosts; undefined when there is none. */
  describe(runId: string): Run | undefined;
  /** Resolves when every host has a final state. */
  cancel(run: TrackedRun): Promise<void>;
  /** Drops a run from memory, because it is being deleted from disk. False when it goes on. */
  forget(runId: string): boolean;
  close(): Promise<void>;
}

const maxRepliesInFlight = 1024;
const maxFinishedInMemory = 16;
/** Subscribes to replies and resumes unfinished runs. */
export async function openRunManager(options: RunManagerOptions): Promise<RunManager> {
  const { bus, database, issuer } = options;
  const manager = new Manager(options);
  manager.resume();
  const subscription = await bus.subscribe(
    {
      topic: "replies",
      group: `replies-${database.instanceId}`,
      partition: issuer.replyPartition,
      from: "latest",
      maxInFlight: maxRepliesInFlight,
    },
    (message) => manager.accept(message),
  );
  return {
    start: (order) => manager.start(order),
    adopt: (order, answers) => manager.adopt(order, answers),
    find: (runId) => manager.find(runId),
    describe: (runId) => manager.describe(runId),
    cancel: (run) => manager.cancel(run),
    forget: (runId) => manager.forget(runId),
    close: async () => {
      await subscription.close();
      manager.stop();
      await database.flushed();
    },
  };
}

class Manager {
  readonly #options: RunManagerOptions;
  readonly #runs = new Map<string, TrackedRun>();
  readonly #watches = new Map<string, () => void>();
  #starting = 0;

  constructor(options: RunManagerOptions) {
    this.#options = options;
  }

  async start(order: RunOrder): Promise<TrackedRun> {
    const { database, maxActiveRuns } = this.#options;
    if (this.#watches.size + this.#starting >= maxActiveRuns) throw tooManyRuns(maxActiveRuns);
    this.#starting++;
    const span = startRunSpan("new", order.operation, order.trace);
    try {
      await order.claim?.();
      const drafts = draftCommands(order);
      const record = { ...newRecord(order, drafts), trace: writeTraceContext(span.context) };
      await createStoredRun(database, record, order);
      const run = new TrackedRun(database, { record, subject: order });
      this.#runs.set(record.runId, run);
      this.#watch(run, "new", span);
      await this.#publishOrClose(run, drafts);
      return run;
    } catch (error) {
      span.end({ error });
      throw error;
    } finally {
      this.#starting--;
    }
  }

  async adopt(order: RunOrder, answers: ReadonlyMap<string, HostAnswer>): Promise<TrackedRun> {
    const { database } = this.#options;
    await order.claim?.();
    const record = newRecord(order, []);
    await createStoredRun(database, record, order);
    const run = new TrackedRun(database, { record, subject: order });
    this.#runs.set(record.runId, run);
    for (const [index, { hostId }] of order.targets.entries()) {
      const answer = answers.get(hostId);
      const body = answer?.digest ? getBody(database, answer.digest) : undefined;
      if (!answer || !body) throw failure(ErrorReason.INTERNAL, "the plan's dry run is not stored any more");
      await run.adopt(index, answer, body);
    }
    await run.finished;
    return run;
  }

  find(runId: string): TrackedRun | undefined {
    const live = this.#runs.get(runId);
    if (live) return live;
    const stored = loadStoredRun(this.#options.database, runId);
    if (!stored) return undefined;
    const run = new TrackedRun(this.#options.database, stored);
    this.#runs.set(runId, run);
    this.#forgetFinished();
    return run;
  }

  describe(runId: string): Run | undefined {
    const live = this.#runs.get(runId);
    if (live) return live.toMessage();
    const record = this.#options.database.runs.get(runId);
    return record && describeRun(record);
  }

  async cancel(run: TrackedRun): Promise<void> {
    if (run.isFinished) return;
    const { record, account, targets } = run;
    const queued = new Set(targets.filter((_, index) => account.stateOf(index) === HostState.QUEUED));
    run.closeAll(HostState.CANCELLED, cancelledProblem(record.runId));
    await this.#publish(draftCancellations(run, queued), record.trace);
    await run.finished;
  }

  forget(runId: string): boolean {
    if (this.#watches.has(runId)) return false;
    this.#runs.delete(runId);
    return true;
  }

  /** Takes one message of the replies topic; resolves when its effect is committed. */
  async accept(message: IncomingMessage): Promise<void> {
    await Promise.all(this.#readReplies(message).map((reply) => this.#acceptReply(reply)));
  }

  async #acceptReply(reply: Reply): Promise<void> {
    const { log } = this.#options;
    const run = this.find(reply.runId);
    if (!run) {
      log.debug({ runId: reply.runId }, "a reply to a run that is not kept was dropped");
      return;
    }
    const taken = await run.accept(reply);
    if (taken === "invalid") log.warn({ runId: reply.runId, hostId: reply.hostId }, "an invalid reply was counted");
    this.#forgetFinished();
  }

  /** Goes on with the runs that a restart interrupted; those whose deadline has passed end at once. */
  resume(): void {
    const { database, log } = this.#options;
    for (const { key: runId, value: record } of database.runs.getRange()) {
      if (record.finishedAtMs !== undefined) continue;
      const run = this.find(runId);
      if (!run) continue;
      log.info({ runId, queued: run.account.queued }, "an unfinished run goes on");
      this.#watch(run, "resumed", startRunSpan("resumed", run.operation, readTraceContext(record.trace)));
      run.finishIfComplete();
    }
  }

  stop(): void {
    for (const stop of this.#watches.values()) stop();
  }

  #watch(run: TrackedRun, phase: RunPhase, span: OpenSpan): void {
    const { inventory, patience, log } = this.#options;
    const { runId } = run.record;
    const stopWatching = watchRun(run, inventory, patience, phase);
    this.#watches.set(runId, () => {
      stopWatching();
      endRunSpan(span, run);
    });
    const ended = () => {
      endRunSpan(span, run);
      this.#watches.delete(runId);
      this.#forgetFinished();
    };
    run.finished.then(ended, (error) => {
      log.error({ err: error, runId }, "a run's final state could not be stored");
      ended();
    });
  }

  // A command that the bus refused reaches nobody: its hosts are not waited for, and the caller is told.
  async #publishOrClose(run: TrackedRun, drafts: readonly CommandDraft[]): Promise<void> {
    try {
      await this.#publish(drafts, run.record.trace);
    } catch (error) {
      run.closeAll(HostState.NO_ANSWER, unsentProblem(error));
      throw error;
    }
  }

  async #publish(drafts: readonly CommandDraft[], headers: TraceHeaders = {}): Promise<void> {
    const { bus, issuer } = this.#options;
    for (const draft of drafts) await bus.publish("commands", { ...buildCommandMessage(issuer, draft), headers });
  }

  // Runs that nothing happens to live on disk alone; one with unwritten answers stays until they are written.
  #forgetFinished(): void {
    let surplus = this.#runs.size - this.#watches.size - maxFinishedInMemory;
    for (const [runId, run] of this.#runs) {
      if (surplus <= 0) return;
      if (this.#watches.has(runId) || !run.isFinished || !run.isSettled) continue;
      this.#runs.delete(runId);
      surplus--;
    }
  }

  #readReplies(message: IncomingMessage): Reply[] {
    try {
      return repliesOf(fromBinary(ReplyBatchSchema, message.value));
    } catch (error) {
      this.#options.log.warn(
        { reason: String(error), offset: String(message.offset) },
        "a message that holds no replies was dropped",
      );
      return [];
    }
  }
}

function cancelledProblem(runId: string) {
  return {
    reason: ErrorReason.CANCELLED,
    message: "the run was cancelled before the host answered",
    remedy: "look at the host: what had begun there may go on to its end, and its answer is then counted as late",
    metadata: { run_id: runId },
  };
}

function unsentProblem(error: unknown) {
  const { reason, remedy, metadata } = errorDetailOf(error);
  return { reason, message: "the command could not be sent", remedy: remedy || "try again later", metadata };
}

function tooManyRuns(capacity: number) {
  return failure(ErrorReason.BUSY, `${capacity} runs go on already`, {
    metadata: { queue: "runs", capacity: String(capacity) },
    remedy: "wait until one ends, or cancel one",
  });
}
