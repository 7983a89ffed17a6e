// A run as one span of its asker's trace, however many hosts it has. Relays and hosts hang theirs below it, because its context
// travels with every command of the run.
import { type Context, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Operation } from "../../shared/operations.js";
import { type OpenSpan, SpanKind, startSpan } from "../../tracing/spans.js";
import type { TrackedRun } from "./tracked-run.js";

/** Whether the run begins now or goes on after a restart. */
export type RunPhase = "new" | "resumed";

/** A run that was interrupted by a restart goes on with a second span below the first. */
export function startRunSpan(phase: RunPhase, { name, method }: Operation, parent: Context = ROOT_CONTEXT): OpenSpan {
  const verb = phase === "new" ? "run" : "resume";
  return startSpan(`${verb} ${method.name}`, SpanKind.PRODUCER, { "systems_manager.operation": name }, parent);
}

/** Ends it with what became of the hosts. A run that the control plane leaves unfinished still has some queued. */
export function endRunSpan(span: OpenSpan, { record, account }: TrackedRun): void {
  const counts = Object.entries(account.counts()).map(([state, hosts]) => [`systems_manager.hosts.${state}`, hosts]);
  span.end({ attributes: { "systems_manager.run_id": record.runId, ...Object.fromEntries(counts) } });
}
