// What a daemon did since it started. Every number only grows.
export interface DaemonCounters {
  /** Commands that came down the stream, whatever became of them. */
  deliveries: number;
  /** Of them: not even decodable, so that nobody can be answered. */
  malformed: number;
  /** Of them: refused for their signature, fleet, target or time. */
  refused: number;
  /** Of them: the same command runs already. */
  duplicates: number;
  /** Of them: answered from the journal. */
  fromJournal: number;
  /** Replies handed to a relay. */
  replies: number;
  /** Replies dropped because no relay took them for too long. */
  lostReplies: number;
  /** Welcomes from relays. */
  attachments: number;
}

/** What is under way in a daemon now. */
export interface DaemonGauges {
  readonly attached: boolean;
  readonly runningCommands: number;
  /** Replies that the bus does not have yet, as far as the daemon was told. */
  readonly waitingReplies: number;
  readonly waitingReplyBytes: number;
}

/** All zero. */
export function createDaemonCounters(): DaemonCounters {
  return {
    deliveries: 0,
    malformed: 0,
    refused: 0,
    duplicates: 0,
    fromJournal: 0,
    replies: 0,
    lostReplies: 0,
    attachments: 0,
  };
}
