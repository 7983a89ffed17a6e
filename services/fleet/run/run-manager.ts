// All runs of this control plane: starts them, sends their commands, resumes what a restart interrupted, cancels.
import type { Bus } from "../../bus/bus.js";
import { HostState, type Run } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { OpenSpan } from "../../tracing/spans.js";
import { readTraceContext, writeTraceContext } from "../../tracing/trace-context.js";
import type { FleetCounters } from "../fleet-counters.js";
import type { Inventory } from "../inventory/inventory.js";
import type { StateDatabase } from "../state-database.js";
import { createReplyAcceptor } from "./accept-replies.js";
import { type Admission, RunAdmission, type RunLimits } from "./admission.js";
import type { CommandIssuer } from "./build-commands.js";
import { countFinishedRun } from "./count-ends.js";
import { type Dispatching, publishCancellations, publishCommands, recordCommands } from "./dispatch-commands.js";
import { type DispatchOrder, draftCancellations, draftCommands } from "./draft-commands.js";
import { newRunId } from "./run-id.js";
import { newRecord, type RunOrder, subjectOf } from "./run-order.js";
import type { HostAnswer } from "./run-record.js";
import { RunRegistry } from "./run-registry.js";
import { endRunSpan, startRunSpan } from "./run-span.js";
import { createStoredRun, getBody } from "./run-store.js";
import { type AgainSender, createAgainSender } from "./send-again.js";
import { TrackedRun } from "./tracked-run.js";
import { type Patience, RunWatch } from "./waiting.js";

export interface RunManagerOptions {
  readonly bus: Bus;
  readonly database: StateDatabase;
  readonly inventory: Inventory;
  readonly issuer: CommandIssuer;
  readonly log: Logger;
  readonly patience: Patience;
  readonly limits: RunLimits;
  readonly counters: FleetCounters;
}

/** What is known of runs, whoever has them in hand. */
export interface RunLookup {
  /** An id for a run to be started here. */
  newRunId(): string;
  /** A run that goes on, or a stored one; undefined when there is none. */
  find(runId: string): TrackedRun | undefined;
  /** A run without its hosts; undefined when there is none. */
  describe(runId: string): Run | undefined;
  /** Drops a run from memory, because it is being deleted from disk. False when it goes on. */
  forget(runId: string): boolean;
  gauges(): RunGauges;
}

/** Runs that are not finished. */
export interface RunGauges {
  readonly active: number;
  /** Their callers were answered; hosts that are away are still to get the command. */
  readonly queued: number;
  /** Of all these runs together, hosts that have no final state. */
  readonly queuedHosts: number;
}

/** Open until closed by its maker; closing leaves unfinished runs to the next start. */
export interface RunManager extends RunLookup {
  /** Resolves when the command is on its way, or with `held` when the run is on disk. Throws BUSY. */
  start(order: RunOrder): Promise<TrackedRun>;
  /**
   * Sends those of these targets their command that were sent none yet, and are still queued: what was dispatched before, even in an
   * earlier life of the control plane, is left alone. Resolves when it is on its way; a command is on disk before it is sent, and after
   * a restart what was on disk is sent (again) by itself.
   */
  dispatch(run: TrackedRun, order: DispatchOrder): Promise<void>;
  /** Starts and ends a run in which nothing has to be sent: every host has its answer already. */
  adopt(order: RunOrder, answers: ReadonlyMap<string, HostAnswer>): Promise<TrackedRun>;
  /** Resolves when every host has a final state. */
  cancel(run: TrackedRun): Promise<void>;
  close(): Promise<void>;
}

const maxRepliesInFlight = 1024;

/** Subscribes to replies and resumes unfinished runs. */
export async function openRunManager(options: RunManagerOptions): Promise<RunManager> {
  const { bus, database, issuer, counters, log } = options;
  const manager = new Manager(options);
  manager.resume();
  const subscription = await bus.subscribe(
    {
      topic: "replies",
      // A group of its own: should another control plane run under the same number, neither takes the other's answers away.
      group: `replies-${database.instanceId}`,
      partition: issuer.replyPartition,
      from: "latest",
      alone: true,
      maxInFlight: maxRepliesInFlight,
    },
    createReplyAcceptor({ registry: manager.registry, counters, log, instance: issuer.replyPartition }),
  );
  return {
    start: (order) => manager.start(order),
    dispatch: (run, order) => manager.dispatch(run, order),
    adopt: (order, answers) => manager.adopt(order, answers),
    cancel: (run) => manager.cancel(run),
    newRunId: () => newRunId(issuer.replyPartition),
    find: (runId) => manager.registry.find(runId),
    describe: (runId) => manager.registry.describe(runId),
    forget: (runId) => manager.registry.forget(runId),
    gauges: () => manager.gauges(),
    close: async () => {
      await subscription.close();
      manager.stop();
      await database.flushed();
    },
  };
}

class Manager {
  readonly registry: RunRegistry;
  readonly #options: RunManagerOptions;
  readonly #watches = new Map<TrackedRun, RunWatch>();
  readonly #spans = new Map<TrackedRun, OpenSpan>();
  readonly #admission: RunAdmission;
  readonly #again: AgainSender;
  readonly #dispatching: Dispatching;

  constructor(options: RunManagerOptions) {
    const { bus, database, issuer, limits, log, counters } = options;
    this.#options = options;
    this.registry = new RunRegistry(database);
    this.#admission = new RunAdmission(limits);
    this.#again = createAgainSender({ bus, log, counters });
    this.#dispatching = { bus, issuer, counters };
  }

  async start(order: RunOrder): Promise<TrackedRun> {
    const { database, issuer } = this.#options;
    const { principal, targets, timeoutMs } = order;
    const admission = this.#enter(principal, targets.length, order.deliveryTimeoutMs !== undefined);
    const span = startRunSpan("new", order.operation, order.trace);
    try {
      const record = newRecord(order, order.runId ?? newRunId(issuer.replyPartition));
      const subject = subjectOf(order, writeTraceContext(span.context));
      const everybody = { indexes: [...targets.keys()], timeoutMs };
      const commands = order.held ? [] : draftCommands(issuer, record, subject, everybody);
      await createStoredRun(database, { record, subject, commands }, order.claim);
      const run = new TrackedRun(database, { record, subject, commands });
      this.registry.add(run);
      this.#watch(run, admission, span).begin(commands);
      await publishCommands(this.#dispatching, run, commands);
      return run;
    } catch (error) {
      admission.leave();
      span.end({ error });
      throw error;
    }
  }

  async dispatch(run: TrackedRun, order: DispatchOrder): Promise<void> {
    const commands = await recordCommands(this.#dispatching, run, order);
    this.#watches.get(run)?.begin(commands);
    await publishCommands(this.#dispatching, run, commands);
  }

  async adopt(order: RunOrder, answers: ReadonlyMap<string, HostAnswer>): Promise<TrackedRun> {
    const { database, issuer } = this.#options;
    const record = newRecord(order, order.runId ?? newRunId(issuer.replyPartition));
    const subject = subjectOf(order);
    await createStoredRun(database, { record, subject }, order.claim);
    const run = new TrackedRun(database, { record, subject });
    this.registry.add(run);
    const adopted = order.targets.map(({ hostId }, index) => {
      const answer = answers.get(hostId);
      const body = answer?.digest ? getBody(database, answer.digest) : undefined;
      if (!answer || !body) throw failure(ErrorReason.INTERNAL, "the plan's dry run is not stored any more");
      return [index, answer, body] as const;
    });
    await run.adopt(adopted);
    await run.finished;
    return run;
  }

  async cancel(run: TrackedRun): Promise<void> {
    if (run.isFinished) return;
    const cancellations = draftCancellations(this.#options.issuer, run);
    run.closeAll(HostState.CANCELLED, cancelledProblem(run.record.runId));
    run.endDelivery();
    await publishCancellations(this.#dispatching, cancellations);
    await run.finished;
  }

  /** Goes on with the runs that a restart interrupted; those whose deadline has passed end at once. */
  resume(): void {
    for (const runId of this.registry.unfinished()) {
      const run = this.registry.find(runId);
      if (!run) continue;
      this.#options.log.info({ runId, queued: run.account.queued }, "an unfinished run goes on");
      const span = startRunSpan("resumed", run.operation, readTraceContext(run.subject.trace));
      this.#watch(run, this.#admission.admit(run.record.principal, run.targets.length), span).resume();
      run.finishIfComplete();
    }
  }

  gauges(): RunGauges {
    const runs = [...this.#watches.keys()];
    return {
      active: runs.filter((run) => !run.isConcluded).length,
      queued: runs.filter((run) => run.isConcluded).length,
      queuedHosts: runs.reduce((sum, run) => sum + run.account.queued, 0),
    };
  }

  stop(): void {
    for (const watch of this.#watches.values()) watch.stop();
    for (const [run, span] of this.#spans) endRunSpan(span, run);
    this.#again.stop();
  }

  #enter(principal: string, hosts: number, willQueue: boolean): Admission {
    try {
      return this.#admission.enter(principal, hosts, willQueue);
    } catch (error) {
      this.#options.counters.runsRefused++;
      throw error;
    }
  }

  #watch(run: TrackedRun, admission: Admission, span: OpenSpan): RunWatch {
    const { inventory, patience, log, counters } = this.#options;
    const { runId } = run.record;
    counters.runsStarted++;
    const sendAgain = this.#again.send;
    const watch = new RunWatch(run, { inventory, patience, sendAgain });
    this.#watches.set(run, watch);
    const ended = () => {
      admission.leave();
      this.#watches.delete(run);
      this.registry.trim();
    };
    this.#spans.set(run, span);
    const rested = () => {
      admission.rest();
      endRunSpan(span, run);
      this.#spans.delete(run);
    };
    run.concluded.then(rested, rested);
    const finished = () => {
      countFinishedRun(counters, run);
      ended();
    };
    run.finished.then(finished, (error) => {
      counters.runsEnded.unstored++;
      log.error({ err: error, runId }, "a run's final state could not be stored");
      ended();
    });
    return watch;
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
