// Summary, hop [8] of the data path: what many hosts answered becomes one short, true, complete text with the same in fields. Byte for byte the
// same for the same answers, whatever their order.
import { create, fromBinary, type Message } from "@bufbuild/protobuf";
import type { Accounting } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type Handle, type Summary, SummarySchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { Operation } from "../../shared/operations.js";
import { Aggregate } from "../aggregate/aggregate.js";
import { planOf } from "../aggregate/plan.js";
import { collectFindings, entryLimit } from "./collect-findings.js";
import { composeText, type TextParts } from "./compose-text.js";
import { classifyFailures, coverageLines, type Failure } from "./error-classes.js";
import { type Line, lineOf } from "./line.js";
import { rowLines } from "./row-lines.js";

/** Tokens of the text when the caller names no budget. */
export const defaultTokenBudget = 2_000;
/** The most tokens a text has, whatever the caller asks for. */
export const maxTokenBudget = 8_000;
/** Coverage, and what was left out, need this much; a smaller budget is raised to it. */
export const minTokenBudget = 256;

/** What is summarised. */
export interface SummaryInput {
  operation: Operation;
  runId: string;
  revision: number;
  accounting: Accounting;
  /** Distinct answers (by digest of the encoded body) with the names of the hosts that gave them. */
  groups: Iterable<{ digest: string; body: Uint8Array; hosts: readonly string[] }>;
  /** Every host that is not OK and not QUEUED, with its error where it has one. */
  failures: Iterable<Failure>;
  handles: Handle[];
  /** What is to be said before everything else, such as where a rollout stands; few lines. */
  notes?: readonly string[];
  /** 0 means 2,000; at most 8,000. */
  tokenBudget: number;
}

/** The summary of a run as it stands. */
export function summarizeRun(input: SummaryInput): Summary {
  return summarizeAggregate(input, aggregateGroups(input));
}

/** What answers were reduced to. */
export interface AggregatedAnswers {
  readonly aggregate: Aggregate;
  /** Distinct answers. */
  readonly distinct: number;
  /** Hosts whose answers could not be decoded. */
  readonly undecodable: number;
  /** The rows of a single answer. */
  readonly rows?: Line[];
}

/** The summary of answers that were aggregated before. */
export function summarizeAggregate(input: Omit<SummaryInput, "groups">, answers: AggregatedAnswers): Summary {
  const { aggregate, distinct, undecodable, rows = [] } = answers;
  const failures = classifyFailures(input.failures);
  const findings = collectFindings(aggregate);
  const answered = aggregate.sources.reduce((sum, { count }) => sum + count, 0);
  const parts: TextParts = {
    subject: input.operation.method.name,
    distinct: answered > 0 ? distinct : 0,
    notes: (input.notes ?? []).map((note) => lineOf(note)),
    coverage: coverageLines(input.accounting, failures.byState),
    findings,
    answered,
    rows,
    errors: failures.lines,
    lost: [...findings.lost, ...lostElsewhere(failures.lostHosts, undecodable, aggregate.unusable)],
    handles: input.handles,
  };
  const text = composeText(parts, effectiveBudget(input.tokenBudget));
  const errors = failures.classes.slice(0, entryLimit);
  const errorsLeft = failures.classes.length - errors.length;
  return create(SummarySchema, {
    runId: input.runId,
    revision: input.revision,
    ...findings.fields,
    rows: rows.slice(0, entryLimit).map((line) => line.text),
    errors,
    omissions: [
      ...text.omissions,
      ...findings.omissions,
      ...(rows.length > entryLimit
        ? [{ what: "rows beyond the fields", count: BigInt(rows.length - entryLimit) }]
        : []),
      ...(errorsLeft > 0 ? [{ what: "error classes beyond the fields", count: BigInt(errorsLeft) }] : []),
    ],
    handles: input.handles,
    text: text.text,
    textTokens: text.tokens,
  });
}

/** The budget that a text is held to. */
function effectiveBudget(asked: number): number {
  return Math.max(Math.min(asked || defaultTokenBudget, maxTokenBudget), minTokenBudget);
}

function aggregateGroups({ operation, groups }: SummaryInput): AggregatedAnswers {
  const aggregate = new Aggregate(planOf(operation.method.output));
  let distinct = 0;
  let undecodable = 0;
  let last: Message | undefined;
  for (const { body, hosts } of groups) {
    const message = decode(operation, body);
    last = message;
    distinct++;
    if (message) aggregate.add(message, hosts);
    else undecodable += hosts.length;
  }
  const rows = distinct === 1 && last ? rowLines(operation.method.output, last) : [];
  return { aggregate, distinct, undecodable, rows };
}

// A body that is no message of the operation is one host's fault, not the run's: it is counted and told.
function decode(operation: Operation, body: Uint8Array) {
  try {
    return fromBinary(operation.method.output, body);
  } catch {
    return undefined;
  }
}

function lostElsewhere(lostHosts: number, undecodable: number, unusable: number) {
  return [
    { what: "hosts whose error class is not listed", count: lostHosts },
    { what: "hosts whose answer could not be decoded", count: undecodable },
    { what: "values that are no finite numbers", count: unusable },
  ];
}
