// Replies on their way to one partition: one batch is published at a time, the next one fills meanwhile.
import type { ReceivedReply } from "./read-reply.js";
import { createReplyBatch, type ReplyBatch } from "./reply-batch.js";

/** Where a reply came from. */
export interface ReplySource {
  /** The bus has the source's reply with this number, or will never take it. */
  taken(number: number): void;
  /** The bus does not take it: whoever has the reply must bring it again. */
  refused(error: unknown): void;
  /** The relay has as many replies as it can keep, or no longer so. */
  setReading(reading: boolean): void;
}

/** A batch, and where its replies came from. */
export interface FilledBatch {
  readonly batch: ReplyBatch;
  readonly sources: readonly ReplySource[];
  readonly numbers: readonly number[];
  /** Bytes of the replies as they came. */
  readonly receivedBytes: number;
}

export interface ReplyLane {
  /** `left`: how many replies to the same command are still to come; undefined when that is not known. */
  add(reply: ReceivedReply, source: ReplySource, number: number, left: number | undefined): void;
  /** Resolves when everything that was added is published. */
  flush(): Promise<void>;
}

interface OpenBatch extends FilledBatch {
  readonly sources: ReplySource[];
  readonly numbers: number[];
  receivedBytes: number;
}

const maxReplies = 500;
const maxBytes = 512 * 1024;
// A batch waits for the others that are to come, the longer the more they are: each message costs the bus, and whoever reads it,
// as much as dozens of replies.
const longestWaitMs = 50;
const repliesPerMillisecond = 5;
const waitWhenUnknownMs = 5;

/** `publish` must not reject. */
export function createReplyLane(publish: (batch: FilledBatch) => Promise<void>): ReplyLane {
  const closed: FilledBatch[] = [];
  let open: OpenBatch | undefined;
  let timer: NodeJS.Timeout | undefined;
  // The open batch has waited long enough.
  let due = false;
  let publishing: Promise<void> | undefined;

  function openBatch(left: number | undefined): OpenBatch {
    timer = setTimeout(leave, waitMs(left));
    return { batch: createReplyBatch(), sources: [], numbers: [], receivedBytes: 0 };
  }

  // At once, or as soon as the batch before it is published.
  function leave() {
    due = true;
    if (!publishing) closeBatch();
  }

  function closeBatch() {
    clearTimeout(timer);
    due = false;
    if (!open) return;
    closed.push(open);
    open = undefined;
    publishing ??= publishAll();
  }

  async function publishAll() {
    for (;;) {
      // It could not have gone earlier, and went on filling meanwhile.
      if (due && closed.length === 0) closeBatch();
      const next = closed.shift();
      if (!next) {
        publishing = undefined;
        return;
      }
      await publish(next);
    }
  }

  return {
    add(reply, source, number, left) {
      if (open && open.batch.bytes() + reply.bytes.length > maxBytes) closeBatch();
      open ??= openBatch(left);
      open.batch.add(reply);
      open.sources.push(source);
      open.numbers.push(number);
      open.receivedBytes += reply.bytes.length;
      if (open.batch.size() === maxReplies) closeBatch();
      else if (left === 0) leave();
    },
    async flush() {
      closeBatch();
      await publishing;
    },
  };
}

function waitMs(left: number | undefined): number {
  if (left === undefined) return waitWhenUnknownMs;
  return Math.min(longestWaitMs, Math.max(1, left / repliesPerMillisecond));
}
