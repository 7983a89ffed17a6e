// An operation as a span of its asker's trace: the only ones of which a run has as many as hosts, and each is made on its host.
import type { Command, Invocation } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { type Reply, ReplyOutcome } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { reasonName } from "../shared/errors.js";
import { SpanKind, startSpan } from "../tracing/spans.js";
import { readTraceContext, type TraceHeaders } from "../tracing/trace-context.js";

/** What is about to run, and in which trace. */
export interface TracedOperation {
  readonly hostId: string;
  readonly command: Command;
  readonly invocation: Invocation;
  readonly trace: TraceHeaders;
}

/** Answers within a span; without a trace it just answers. */
export function answerInSpan(traced: TracedOperation, answer: () => Promise<Reply>): Promise<Reply> {
  return traced.trace.traceparent === undefined ? answer() : answerAsSpan(traced, answer);
}

async function answerAsSpan(
  { hostId, command, invocation, trace }: TracedOperation,
  answer: () => Promise<Reply>,
): Promise<Reply> {
  const name = invocation.method.slice(invocation.method.indexOf("/") + 1);
  const attributes = {
    "systems_manager.operation": invocation.method,
    "systems_manager.run_id": command.runId,
    "host.id": hostId,
  };
  const span = startSpan(name, SpanKind.CONSUMER, attributes, readTraceContext(trace));
  const reply = await span.run(answer);
  span.end({ attributes: outcomeOf(reply) });
  return reply;
}

function outcomeOf({ outcome, error }: Reply) {
  const failed = error ? { "error.type": reasonName(error.reason) } : {};
  return { "systems_manager.outcome": ReplyOutcome[outcome] ?? String(outcome), ...failed };
}
