// What happened in this control plane since it started. Every number only grows.

export interface FleetCounters {
  /** Command messages published for the first time. */
  commandsSent: number;
  /** Hosts that were sent a command again. */
  commandsSentAgain: number;
  repliesAccounted: number;
  repliesLate: number;
  repliesDuplicate: number;
  repliesInvalid: number;
  /** Replies to runs that are not kept here. */
  repliesUnknownRun: number;
  /** Messages that hold no replies. */
  replyMessagesMalformed: number;
}

export function newFleetCounters(): FleetCounters {
  return {
    commandsSent: 0,
    commandsSentAgain: 0,
    repliesAccounted: 0,
    repliesLate: 0,
    repliesDuplicate: 0,
    repliesInvalid: 0,
    repliesUnknownRun: 0,
    replyMessagesMalformed: 0,
  };
}
