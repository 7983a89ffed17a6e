// A message of the replies topic → the runs that its replies are for.
import { fromBinary } from "@bufbuild/protobuf";
import type { IncomingMessage } from "../../bus/bus.js";
import { type ReplyBatch, ReplyBatchSchema } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../../shared/log.js";
import type { FleetCounters } from "../fleet-counters.js";
import { countReplies, groupByRun, type RunReplies } from "./group-replies.js";
import { ownerOf } from "./run-id.js";
import type { RunRegistry } from "./run-registry.js";

export interface AcceptOptions {
  readonly registry: RunRegistry;
  readonly counters: FleetCounters;
  readonly log: Logger;
  /** Number of this control plane. */
  readonly instance: number;
}

const warnEveryMs = 60_000;

/** A bus handler that resolves when everything in the message is committed. A message that holds no replies is counted and let go. */
export function createReplyAcceptor(options: AcceptOptions): (message: IncomingMessage) => Promise<void> {
  const { registry, counters, log, instance } = options;
  let warnedAt = Number.NEGATIVE_INFINITY;

  // Its runs are on its disk; an unknown one with its number is somebody else's, or older than its state.
  function dropUnknown(runId: string, replies: RunReplies): void {
    counters.repliesUnknownRun += countReplies(replies);
    if (ownerOf(runId) !== instance || performance.now() - warnedAt < warnEveryMs) return;
    warnedAt = performance.now();
    log.warn(
      { runId, instance },
      "replies came to a run of this control plane's number that it does not know; if another one runs under this number, give each its own",
    );
  }

  async function giveToRun(runId: string, replies: RunReplies): Promise<void> {
    const run = registry.find(runId);
    if (!run) return dropUnknown(runId, replies);
    const { accounted, late, duplicate, invalid } = await run.accept(replies);
    counters.storageBatches++;
    counters.repliesAccounted += accounted;
    counters.repliesLate += late;
    counters.repliesDuplicate += duplicate;
    counters.repliesInvalid += invalid;
    if (invalid > 0) log.warn({ runId, invalid }, "invalid replies were counted");
  }

  return async (message) => {
    const batch = readBatch(options, message);
    if (!batch) return;
    await Promise.all([...groupByRun(batch)].map(([runId, replies]) => giveToRun(runId, replies)));
  };
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
