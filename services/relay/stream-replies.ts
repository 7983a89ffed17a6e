// The replies of one stream: on their way to the bus, bounded, and counted for the daemon that will ask what it need not bring again.
import type { AttachStream } from "./attach-stream.js";
import type { ReplyForwarder } from "./forward-replies.js";
import type { ReceivedReply } from "./read-reply.js";
import type { ReplySource } from "./reply-lane.js";
import { createTakenReplies } from "./taken-replies.js";

export interface StreamReplies {
  forward(reply: ReceivedReply): void;
  /** Replies of the stream that the bus has, counted from the first without a gap. */
  taken(): number;
  /** Resolves when the bus has every reply that came; never when it refused one, for then the stream ends. */
  settled(): Promise<void>;
}

// Replies of one daemon that wait for the bus; beyond, its stream is not read.
const maxPending = 32;

export function createStreamReplies(stream: AttachStream, forward: ReplyForwarder["forward"]): StreamReplies {
  const replies = createTakenReplies();
  let isRelayFull = false;
  let onSettled: (() => void) | undefined;

  function readWhileRoom() {
    stream.setReading(!isRelayFull && replies.pending() < maxPending);
  }

  const source: ReplySource = {
    taken(number) {
      const wasFull = replies.pending() >= maxPending;
      replies.taken(number);
      if (wasFull) readWhileRoom();
      if (replies.pending() === 0) onSettled?.();
    },
    // A reply that the bus cannot take stays pending: the daemon attaches again, here or elsewhere, and brings it again.
    refused: (error) => stream.end(error),
    setReading(reading) {
      isRelayFull = !reading;
      readWhileRoom();
    },
  };
  return {
    forward(reply) {
      forward(reply, source, replies.receive());
      if (replies.pending() >= maxPending) readWhileRoom();
    },
    taken: replies.count,
    settled: () =>
      new Promise((resolve) => {
        if (replies.pending() === 0) resolve();
        else onSettled = resolve;
      }),
  };
}
