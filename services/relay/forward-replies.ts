// Daemons to bus: each reply goes to the partition of whoever asked, in batches.
import type { Bus, MessageBound } from "../bus/bus.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import type { AwaitedReplies } from "./awaited-replies.js";
import { isPassing, publishPatiently } from "./publish-patiently.js";
import type { ReceivedReply } from "./read-reply.js";
import type { RelayCounters } from "./relay-counters.js";
import { createReplyLane, type FilledBatch, type ReplyLane, type ReplySource } from "./reply-lane.js";
import type { TraceMemory } from "./trace-memory.js";

export interface ReplyForwarderOptions {
  readonly bus: Bus;
  readonly relayId: string;
  readonly counters: RelayCounters;
  readonly traces: Pick<TraceMemory, "traceOf">;
  readonly awaited: Pick<AwaitedReplies, "arrived">;
  readonly log: Logger;
  /** How long a batch is tried again that the bus cannot take. */
  readonly replyPatienceMs: number;
  /** Replies that may wait for the bus; whoever brings more is not read until there is room. */
  readonly maxWaitingReplies: MessageBound;
}

export interface ReplyForwarder {
  /** The source is told what became of the reply with this number. */
  forward(reply: ReceivedReply, source: ReplySource, number: number): void;
  /** Replies that the bus does not have yet. */
  waiting(): MessageBound;
  /** Resolves when nothing is under way; what the bus does not take now is refused. */
  close(): Promise<void>;
}

export function createReplyForwarder(options: ReplyForwarderOptions): ReplyForwarder {
  const { bus, counters, log } = options;
  const lanes = new Map<number, ReplyLane>();
  const room = createRoom(options.maxWaitingReplies);
  const closing = new AbortController();

  function laneOf(partition: number): ReplyLane | undefined {
    const known = lanes.get(partition);
    if (known || partition >= bus.partitions("replies")) return known;
    const lane = createReplyLane((filled) => settle(partition, filled));
    lanes.set(partition, lane);
    return lane;
  }

  async function settle(partition: number, filled: FilledBatch) {
    const { batch, sources, numbers, receivedBytes } = filled;
    const error = await publish(partition, filled);
    room.leave(batch.size(), receivedBytes);
    for (const [index, source] of sources.entries()) {
      if (error === undefined) source.taken(numbers[index] as number);
      else source.refused(error);
    }
  }

  // Gives the error for which the replies have to be brought again.
  async function publish(partition: number, { batch }: FilledBatch): Promise<unknown> {
    const headers = options.traces.traceOf(batch.onlyCommandId());
    const message = { key: options.relayId, partition, value: batch.encode(), headers };
    try {
      await publishPatiently(bus, "replies", message, options.replyPatienceMs, closing.signal);
      counters.replyBatches++;
      counters.replies += batch.size();
    } catch (error) {
      const passing = isPassing(error);
      counters[passing ? "refusedReplies" : "lostReplies"] += batch.size();
      log.error({ err: error, partition, replies: batch.size() }, "replies not published");
      if (passing) return error;
    }
    return undefined;
  }

  return {
    forward(reply, source, number) {
      const lane = laneOf(reply.partition);
      if (!lane) {
        counters.lostReplies++;
        log.warn({ err: noPartition(reply.partition, bus), hostId: reply.hostId }, "reply not published");
        source.taken(number);
        return;
      }
      room.enter(reply.bytes.length, source);
      lane.add(reply, source, number, options.awaited.arrived(reply.commandId));
    },
    waiting: room.taken,
    async close() {
      closing.abort();
      await Promise.all([...lanes.values()].map((lane) => lane.flush()));
    },
  };
}

// How much waits; sources that come when it is too much are held until half of it is gone.
function createRoom(bound: MessageBound) {
  const held = new Set<ReplySource>();
  let messages = 0;
  let bytes = 0;
  return {
    taken: () => ({ messages, bytes }),
    enter(replyBytes: number, source: ReplySource) {
      messages++;
      bytes += replyBytes;
      if (messages < bound.messages && bytes < bound.bytes) return;
      held.add(source);
      source.setReading(false);
    },
    leave(replies: number, replyBytes: number) {
      messages -= replies;
      bytes -= replyBytes;
      if (held.size === 0 || messages > bound.messages / 2 || bytes > bound.bytes / 2) return;
      for (const source of held) source.setReading(true);
      held.clear();
    },
  };
}

function noPartition(partition: number, bus: Bus) {
  return failure(ErrorReason.INVALID_ARGUMENT, `topic replies has no partition ${partition}`, {
    metadata: { field: "reply_partition", rule: `lt.${bus.partitions("replies")}` },
    remedy: "look for the host whose daemon answers elsewhere than the command says",
  });
}
