// Reading a stream of run events to its end.
import type { Accounting, Run, RunProgress, RunStarted } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { Summary } from "../../../services/gen/systemsmanager/fleet/v1/summary_pb.js";

export type AnyEvent = { event: { case: string | undefined; value?: unknown } };

/** What a finished stream said. */
export interface Collected {
  readonly started: RunStarted;
  readonly progress: readonly RunProgress[];
  readonly run: Run;
  readonly accounting: Accounting;
  readonly summary: Summary;
}

export async function collect(stream: AsyncIterable<AnyEvent>): Promise<Collected> {
  const events: AnyEvent["event"][] = [];
  for await (const { event } of stream) events.push(event);
  const started = events[0];
  const finished = events.at(-1);
  if (started?.case !== "started" || finished?.case !== "finished") {
    throw new Error(`the stream gave ${events.map((event) => event.case).join(", ")}`);
  }
  const { run, summary } = finished.value as { run: Run; summary: Summary };
  return {
    started: started.value as RunStarted,
    progress: events.slice(1, -1).map(({ value }) => value as RunProgress),
    run,
    accounting: run.accounting as Accounting,
    summary,
  };
}

/** The first event of a stream, which goes on behind it. */
export async function readStarted(
  stream: AsyncIterable<AnyEvent>,
): Promise<{ runId: string; rest: AsyncIterator<AnyEvent> }> {
  const rest = stream[Symbol.asyncIterator]();
  const { value } = await rest.next();
  return { runId: (value as { event: { value: RunStarted } }).event.value.runId, rest };
}
