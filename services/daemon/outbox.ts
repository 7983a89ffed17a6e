// Replies on their way to the bus. They are kept until the relay says that the bus has them, so that a relay that dies with
// replies in its hands loses none; what it may have passed on already, the control plane counts as a duplicate.
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../shared/log.js";
import type { DaemonCounters } from "./daemon-counters.js";
import type { RelayConnection } from "./relay-connection.js";

export interface Outbox {
  /** Sends or keeps; never blocks. Beyond the bound the oldest is dropped, and counted unless it was sent. */
  send(reply: Reply): void;
  /** From now on replies go there, first those that the former connection did not confirm; undefined keeps them. */
  attach(connection: RelayConnection | undefined): void;
  /** The relay has so many replies of this connection, counted from its first. */
  taken(replies: number): void;
  /** What is kept. */
  waiting(): { readonly replies: number; readonly bytes: number };
  close(): void;
}

const maxReplies = 1_000;
const maxBytes = 32 * 1024 * 1024;
// How often replies that a slow relay did not take are tried again.
const retryMs = 50;

/** onTaken is told every reply that the bus has. */
export function createOutbox(counters: DaemonCounters, log: Logger, onTaken: (reply: Reply) => void): Outbox {
  let replies: Reply[] = [];
  let bytes = 0;
  let connection: RelayConnection | undefined;
  // Of this connection: the first `sent` of the replies above were sent, after `gone` others that need no more care.
  let sent = 0;
  let gone = 0;

  let retry: NodeJS.Timeout | undefined;

  function flush() {
    if (!connection) return;
    for (let next = replies[sent]; next; next = replies[sent]) {
      if (!connection.send(next)) {
        retry ??= setTimeout(flushAgain, retryMs);
        return;
      }
      sent++;
      counters.replies++;
    }
  }

  function flushAgain() {
    retry = undefined;
    flush();
  }

  function remove(count: number) {
    for (const reply of replies.slice(0, count)) bytes -= reply.body.length;
    replies = replies.slice(count);
    gone += Math.min(count, sent);
    sent -= Math.min(count, sent);
  }

  function enforceBound() {
    while (replies.length > maxReplies || bytes > maxBytes) {
      const [oldest] = replies;
      if (sent === 0) {
        counters.lostReplies++;
        log.warn({ runId: oldest?.runId, commandId: oldest?.commandId }, "reply dropped: no relay took it");
      }
      remove(1);
    }
  }

  return {
    send(reply) {
      replies.push(reply);
      bytes += reply.body.length;
      flush();
      enforceBound();
    },
    attach(to) {
      connection = to;
      sent = 0;
      gone = 0;
      flush();
    },
    taken(count) {
      const confirmed = Math.max(0, Math.min(count - gone, sent));
      const taken = replies.slice(0, confirmed);
      remove(confirmed);
      for (const reply of taken) onTaken(reply);
    },
    waiting: () => ({ replies: replies.length, bytes }),
    close: () => clearTimeout(retry),
  };
}
