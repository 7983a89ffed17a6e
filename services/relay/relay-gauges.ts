// How a relay stands at this moment.
import type { AttachmentTable } from "./attachment-table.js";
import type { ReplyForwarder } from "./forward-replies.js";

export interface RelayGauges {
  /** Daemons attached. */
  readonly attached: number;
  /** Bytes that daemons have not taken yet. */
  readonly queuedBytes: number;
  /** Of them, for the slowest daemon. */
  readonly greatestQueuedBytes: number;
  /** Replies that the bus does not have yet. */
  readonly waitingReplies: number;
  readonly waitingReplyBytes: number;
  /** Hosts whose newest presence the bus does not have yet. */
  readonly pendingPresence: number;
}

export function measureStreams(table: AttachmentTable) {
  let queuedBytes = 0;
  let greatestQueuedBytes = 0;
  for (const { stream } of table.byHostId.values()) {
    const bytes = stream.queuedBytes();
    queuedBytes += bytes;
    greatestQueuedBytes = Math.max(greatestQueuedBytes, bytes);
  }
  return { attached: table.byHostId.size, queuedBytes, greatestQueuedBytes };
}

export function measureReplies(replies: ReplyForwarder) {
  const { messages, bytes } = replies.waiting();
  return { waitingReplies: messages, waitingReplyBytes: bytes };
}
