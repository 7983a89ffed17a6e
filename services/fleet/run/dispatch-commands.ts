// Commands on their way: on disk first, then on the bus.
import type { Bus } from "../../bus/bus.js";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { errorDetailOf } from "../../shared/errors.js";
import { type CommandIssuer, commandMessage } from "./build-commands.js";
import { type DispatchOrder, type DraftedCancellation, draftCommands } from "./draft-commands.js";
import type { CommandRecord } from "./run-record.js";
import { indexesOf } from "./spans.js";
import { targetsOf } from "./target-set.js";
import type { TrackedRun } from "./tracked-run.js";

/** What commands are made with, and where they go. */
export interface Dispatching {
  readonly bus: Bus;
  readonly issuer: CommandIssuer;
  readonly counters: { commandsSent: number };
}

/** Drafts and records the commands for those of these targets that were sent none yet, and that are still queued. */
export async function recordCommands(
  { issuer }: Dispatching,
  run: TrackedRun,
  { indexes, timeoutMs }: DispatchOrder,
): Promise<readonly CommandRecord[]> {
  const unsent = indexes.filter((index) => !run.commands.of(index) && run.account.stateOf(index) === HostState.QUEUED);
  if (unsent.length === 0) return [];
  const order = { indexes: [...new Set(unsent)].sort((a, b) => a - b), timeoutMs };
  const commands = draftCommands(issuer, run.record, run.subject, order);
  await run.addCommands(commands);
  return commands;
}

/**
 * Publishes recorded commands. One that the bus refuses reaches nobody: its hosts are not waited for, and the caller is told by the
 * error.
 */
export async function publishCommands(
  { bus, counters }: Dispatching,
  run: TrackedRun,
  commands: readonly CommandRecord[],
): Promise<void> {
  for (const [at, command] of commands.entries()) {
    const targets = targetsOf(run.targets, command);
    try {
      await bus.publish("commands", commandMessage(draftOf(run, command), targets));
      counters.commandsSent++;
    } catch (error) {
      const problem = unsentProblem(error);
      const unsent = commands.slice(at).flatMap(({ spans }) => indexesOf(spans));
      run.close(
        unsent.map((index) => [index, problem] as const),
        HostState.NO_ANSWER,
      );
      throw error;
    }
  }
}

/** A recorded command as the bus gets it. */
export function draftOf(run: TrackedRun, { signed, expiresAtMs }: CommandRecord) {
  return { runId: run.record.runId, signed, expiresAtMs, headers: run.subject.trace };
}

/** Tells hosts that their part of the run is cancelled. */
export async function publishCancellations(
  { bus, counters }: Dispatching,
  cancellations: readonly DraftedCancellation[],
): Promise<void> {
  for (const { command, targets } of cancellations) {
    await bus.publish("commands", commandMessage(command, targets));
    counters.commandsSent++;
  }
}

function unsentProblem(error: unknown) {
  const { reason, remedy, metadata } = errorDetailOf(error);
  return { reason, message: "the command could not be sent", remedy: remedy || "try again later", metadata };
}
