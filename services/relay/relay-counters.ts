// What a relay did since it started. Every number only grows.
export interface RelayCounters {
  /** Commands taken from the bus, whatever became of them. */
  commands: number;
  /** Of them: past their expiry. */
  expiredCommands: number;
  /** Of them: not an envelope, or its targets are not those that were signed. */
  malformedCommands: number;
  /** Commands written to a daemon's stream. */
  deliveries: number;
  /** Commands not written because a daemon's queue was full; each became a BUSY reply. */
  busyDeliveries: number;
  /** Replies published. */
  replies: number;
  /** Bus messages that carried them. */
  replyBatches: number;
  /** Replies that the bus could not take then; their daemons bring them again. */
  refusedReplies: number;
  /** Replies that the bus will never take, with its reason in the log. */
  lostReplies: number;
  /** Streams that got a Welcome. */
  attachments: number;
  /** Streams that ended with an error, of either side. */
  failedStreams: number;
}

/** All zero. */
export function createRelayCounters(): RelayCounters {
  return {
    commands: 0,
    expiredCommands: 0,
    malformedCommands: 0,
    deliveries: 0,
    busyDeliveries: 0,
    replies: 0,
    replyBatches: 0,
    refusedReplies: 0,
    lostReplies: 0,
    attachments: 0,
    failedStreams: 0,
  };
}
