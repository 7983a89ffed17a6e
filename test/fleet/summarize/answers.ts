// Answers of five hosts as real machines give them, and helpers to summarise them.
import { createHash } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Failure } from "../../../services/fleet/summarize/error-classes.js";
import { summarizeRun } from "../../../services/fleet/summarize/summarize-run.js";
import { AccountingSchema, HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { HandleSchema, type Summary } from "../../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { findOperation, type Operation, operations } from "../../../services/shared/operations.js";

/** The operation of this method name. */
export function operationOf(method: string): Operation {
  const name = [...operations.keys()].find((candidate) => candidate.endsWith(`/${method}`));
  return findOperation(name ?? method);
}

/** Answers by host. */
export type Answers = Record<string, MessageInitShape<DescMessage> | Record<string, unknown>>;

/** Groups of equal answers, as the fleet makes them. */
export function groupAnswers(operation: Operation, answers: Answers) {
  const groups = new Map<string, { digest: string; body: Uint8Array; hosts: string[] }>();
  for (const [host, answer] of Object.entries(answers)) {
    const body = toBinary(operation.method.output, create(operation.method.output, answer as Record<string, unknown>));
    const digest = createHash("sha256").update(body).digest("hex");
    const group = groups.get(digest) ?? { digest, body, hosts: [] };
    groups.set(digest, group);
    group.hosts.push(host);
  }
  return [...groups.values()];
}

/** The summary of these answers. */
export function summarizeAnswers(
  method: string,
  answers: Answers,
  options: { failures?: Failure[]; tokenBudget?: number } = {},
): Summary {
  const operation = operationOf(method);
  const failures = options.failures ?? [];
  const ok = Object.keys(answers).length;
  const count = (state: HostState) => failures.filter((failure) => failure.state === state).length;
  return summarizeRun({
    operation,
    runId: "00000000-0000-4000-8000-000000000001",
    revision: 1,
    accounting: create(AccountingSchema, {
      targeted: ok + failures.length,
      ok,
      failed: count(HostState.FAILED),
      noAnswer: count(HostState.NO_ANSWER),
      indeterminate: count(HostState.INDETERMINATE),
    }),
    groups: groupAnswers(operation, answers),
    failures,
    handles: [create(HandleSchema, { label: "all answers", handle: "h1.c29tZS1vcGFxdWUtaGFuZGxl" })],
    tokenBudget: options.tokenBudget ?? 0,
  });
}
