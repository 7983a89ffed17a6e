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
  add(reply: ReceivedReply, source: ReplySource, number: number): void;
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
const longestWaitMs = 20;
// A batch waits a millisecond for each so many replies that the one before it held: alone a reply is hardly held up, and in a crowd
// batches fill.
const repliesPerMillisecond = 25;

/** `publish` must not reject. */
export function createReplyLane(publish: (batch: FilledBatch) => Promise<void>): ReplyLane {
  const closed: FilledBatch[] = [];
  let open: OpenBatch | undefined;
  let timer: NodeJS.Timeout | undefined;
  // The open batch has waited long enough.
  let due = false;
  let formerSize = 0;
  let publishing: Promise<void> | undefined;

  function openBatch(): OpenBatch {
    const waitMs = Math.min(longestWaitMs, Math.max(1, formerSize / repliesPerMillisecond));
    timer = setTimeout(() => {
      due = true;
      if (!publishing) closeBatch();
    }, waitMs);
    return { batch: createReplyBatch(), sources: [], numbers: [], receivedBytes: 0 };
  }

  function closeBatch() {
    clearTimeout(timer);
    due = false;
    if (!open) return;
    formerSize = open.batch.size();
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
    add(reply, source, number) {
      if (open && open.batch.bytes() + reply.bytes.length > maxBytes) closeBatch();
      open ??= openBatch();
      open.batch.add(reply);
      open.sources.push(source);
      open.numbers.push(number);
      open.receivedBytes += reply.bytes.length;
      if (open.batch.size() === maxReplies) closeBatch();
    },
    async flush() {
      closeBatch();
      await publishing;
    },
  };
}
