// A run as the summarizer takes it: its distinct answers, its failures, its handles.
import { create } from "@bufbuild/protobuf";
import { type HostError, HostErrorSchema, HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { Summary } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason } from "../../shared/errors.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import type { Failure } from "../summarize/error-classes.js";
import { type SummaryInput, summarizeRun } from "../summarize/summarize-run.js";
import { listAnswers } from "./result-entries.js";
import { makeHandles } from "./result-handles.js";

export interface SummarizeOptions {
  /** 0 means the default. */
  readonly tokenBudget: number;
  /** How long handles can be opened, from the run's start. */
  readonly retentionMs: number;
  /** What is to be said before everything else. */
  readonly notes?: readonly string[];
}

/** The summary of what the hosts of a run answered so far. */
export function summarizeTrackedRun(database: StateDatabase, run: TrackedRun, options: SummarizeOptions): Summary {
  return summarizeRun({
    operation: run.operation,
    runId: run.record.runId,
    revision: run.record.revision,
    accounting: run.account.toMessage(),
    groups: readGroups(run),
    failures: listFailures(run),
    notes: options.notes ?? [],
    handles: makeHandles(database.handleKey, run, options.retentionMs),
    tokenBudget: options.tokenBudget,
  });
}

/** Hosts that answered otherwise than OK, or not in time; of a run that still waits for hosts that are away, these too. */
export function* listFailures(run: TrackedRun): Generator<Failure> {
  const away = isDelivering(run) ? awayError(run) : undefined;
  for (const [index, { name }] of run.targets.entries()) {
    const state = run.account.stateOf(index);
    if (state === HostState.OK) continue;
    const problem = run.answerOf(index)?.problem;
    const error = problem ? create(HostErrorSchema, { ...problem, metadata: { ...problem.metadata } }) : away;
    if (state !== HostState.QUEUED || away) yield { host: name, state, ...(error ? { error } : {}) };
  }
}

function isDelivering({ isConcluded, record }: TrackedRun): boolean {
  return isConcluded && record.deliverUntilMs > record.deadlineMs;
}

function awayError({ record }: TrackedRun): HostError {
  return create(HostErrorSchema, {
    reason: ErrorReason.UNREACHABLE,
    message: `the host is away; the command waits for it until ${new Date(record.deliverUntilMs).toISOString()}`,
    remedy: "start its daemon; read the run again when it is back",
  });
}

// Bodies are read one after the other, so that a run's answers need not fit into memory together.
function* readGroups(run: TrackedRun): Generator<SummaryInput["groups"] extends Iterable<infer Group> ? Group : never> {
  for (const { digest, hosts } of listAnswers(run)) {
    yield { digest, body: run.bodyOf(digest), hosts: hosts.map((index) => run.targets[index]?.name ?? "") };
  }
}
