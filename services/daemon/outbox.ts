// Replies on their way to whichever relay the daemon is attached to; they wait here while there is none.
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../shared/log.js";
import type { DaemonCounters } from "./daemon-counters.js";
import type { RelayConnection } from "./relay-connection.js";

export interface Outbox {
  /** Sends or keeps; never blocks. Beyond the bound the oldest is dropped and counted. */
  send(reply: Reply): void;
  /** From now on replies go there; undefined keeps them. */
  attach(connection: RelayConnection | undefined): void;
  close(): void;
}

const maxWaitingReplies = 1_000;
const maxWaitingBytes = 32 * 1024 * 1024;
// How often replies that a slow relay did not take are tried again.
const retryMs = 50;

export function createOutbox(counters: DaemonCounters, log: Logger): Outbox {
  let waiting: Reply[] = [];
  let waitingBytes = 0;
  let connection: RelayConnection | undefined;

  function flush() {
    let sent = 0;
    for (const reply of waiting) {
      if (!connection?.send(reply)) break;
      waitingBytes -= reply.body.length;
      sent++;
    }
    counters.replies += sent;
    if (sent > 0) waiting = waiting.slice(sent);
  }

  function dropOldest() {
    while (waiting.length > maxWaitingReplies || waitingBytes > maxWaitingBytes) {
      const dropped = waiting.shift() as Reply;
      waitingBytes -= dropped.body.length;
      counters.lostReplies++;
      log.warn({ runId: dropped.runId, commandId: dropped.commandId }, "reply dropped: no relay took it");
    }
  }

  const timer = setInterval(() => {
    if (waiting.length > 0) flush();
  }, retryMs);
  return {
    send(reply) {
      waiting.push(reply);
      waitingBytes += reply.body.length;
      flush();
      dropOldest();
    },
    attach(to) {
      connection = to;
      flush();
    },
    close: () => clearInterval(timer),
  };
}
