// A message of the replies topic → the runs that its replies are for.
import { fromBinary } from "@bufbuild/protobuf";
import type { IncomingMessage } from "../../bus/bus.js";
import { type ReplyBatch, ReplyBatchSchema } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../../shared/log.js";
import type { FleetCounters } from "../fleet-counters.js";
import { countReplies, groupByRun, type RunReplies } from "./group-replies.js";
import type { RunRegistry } from "./run-registry.js";

export interface AcceptOptions {
  readonly registry: RunRegistry;
  readonly counters: FleetCounters;
  readonly log: Logger;
}

/** Resolves when everything in the message is committed. A message that holds no replies is counted and let go. */
export async function acceptReplies(options: AcceptOptions, message: IncomingMessage): Promise<void> {
  const batch = readBatch(options, message);
  if (!batch) return;
  const groups = groupByRun(batch);
  if (groups.size === 1) for (const [runId, replies] of groups) return await giveToRun(options, runId, replies);
  await Promise.all([...groups].map(([runId, replies]) => giveToRun(options, runId, replies)));
}

async function giveToRun(options: AcceptOptions, runId: string, replies: RunReplies): Promise<void> {
  const { registry, counters, log } = options;
  const run = registry.find(runId);
  if (!run) {
    counters.repliesUnknownRun += countReplies(replies);
    log.debug({ runId }, "replies to a run that is not kept were dropped");
    return;
  }
  const { accounted, late, duplicate, invalid } = await run.accept(replies);
  counters.storageBatches++;
  counters.repliesAccounted += accounted;
  counters.repliesLate += late;
  counters.repliesDuplicate += duplicate;
  counters.repliesInvalid += invalid;
  if (invalid > 0) log.warn({ runId, invalid }, "invalid replies were counted");
}

function readBatch({ counters, log }: AcceptOptions, { value, offset }: IncomingMessage): ReplyBatch | undefined {
  try {
    return fromBinary(ReplyBatchSchema, value);
  } catch (error) {
    counters.replyMessagesMalformed++;
    log.warn({ reason: String(error), offset: String(offset) }, "a message that holds no replies was dropped");
    return undefined;
  }
}
