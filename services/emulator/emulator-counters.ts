// What the logical hosts of an emulator did. Every number but `attached` and `down` only grows; those of several processes add up.
export interface EmulatorCounters {
  /** Hosts that a relay has welcomed and that are still attached. */
  attached: number;
  /** Hosts that were killed and are not back yet. */
  down: number;
  /** Welcomes from relays. */
  attachments: number;
  /** Commands that reached a daemon. */
  commands: number;
  /** Of them: the same command ran already, or was answered from the journal. */
  duplicates: number;
  /** Of them: refused for signature, fleet, target or time. */
  refused: number;
  /** Replies handed to a relay. */
  replies: number;
  /** Replies dropped because no relay took them for too long. */
  lostReplies: number;
  /** Changes carried out; each stands in the executions file too. */
  executions: number;
}

/** All zero. */
export function createEmulatorCounters(): EmulatorCounters {
  return {
    attached: 0,
    down: 0,
    attachments: 0,
    commands: 0,
    duplicates: 0,
    refused: 0,
    replies: 0,
    lostReplies: 0,
    executions: 0,
  };
}

/** The sum, name by name. */
export function addCounters<Counters extends object>(all: readonly Counters[], zero: Counters): Counters {
  const sum = { ...zero } as Record<string, number>;
  for (const counters of all) {
    for (const [name, value] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum as Counters;
}
