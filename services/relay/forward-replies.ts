// Daemons to bus: each reply goes to the partition of whoever asked, keyed by its run.
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Bus } from "../bus/bus.js";
import { type Reply, ReplyBatchSchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason, hasReason } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import type { RelayCounters } from "./relay-counters.js";

export interface ReplyForwarder {
  /**
   * Resolves when the bus has the reply, or when it was counted as lost because the bus will never take it. Rejects when the bus cannot
   * take it now: whoever has the reply must bring it again.
   */
  forward(reply: Reply): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

// A full queue is waited for this often, a little longer each time: about ten seconds in all.
const busyAttempts = 10;
const busyPauseMs = 200;

const passingReasons = [ErrorReason.BUSY, ErrorReason.UNREACHABLE];

export function createReplyForwarder(bus: Bus, counters: RelayCounters, log: Logger): ReplyForwarder {
  const pending = new Set<Promise<void>>();

  async function publish(reply: Reply) {
    try {
      await publishPatiently(bus, reply);
      counters.replies++;
    } catch (error) {
      const passing = passingReasons.some((reason) => hasReason(error, reason));
      counters[passing ? "refusedReplies" : "lostReplies"]++;
      log.error({ err: error, runId: reply.runId, hostId: reply.hostId }, "reply not published");
      if (passing) throw error;
    }
  }

  return {
    forward(reply) {
      const published = publish(reply).finally(() => pending.delete(published));
      pending.add(published);
      return published;
    },
    idle: async () => {
      await Promise.allSettled(pending);
    },
  };
}

async function publishPatiently(bus: Bus, reply: Reply): Promise<void> {
  const value = toBinary(ReplyBatchSchema, create(ReplyBatchSchema, { others: [reply] }));
  for (let attempt = 1; ; attempt++) {
    try {
      await bus.publish("replies", { key: reply.runId, partition: reply.replyPartition, value });
      return;
    } catch (error) {
      if (!hasReason(error, ErrorReason.BUSY) || attempt === busyAttempts) throw error;
    }
    await sleep(attempt * busyPauseMs);
  }
}
