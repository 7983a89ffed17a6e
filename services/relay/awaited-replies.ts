// How many replies to recent commands are still to come, so that a batch leaves with the last of them and waits only while there
// are others.
export interface AwaitedReplies {
  /** So many hosts were given the command. */
  expect(commandId: string, hosts: number): void;
  /** One of them has answered. Tells how many have not; undefined when nothing is known of the command. */
  arrived(commandId: string): number | undefined;
}

const maxCommands = 1_000;

export function createAwaitedReplies(): AwaitedReplies {
  const left = new Map<string, number>();
  return {
    expect(commandId, hosts) {
      left.set(commandId, (left.get(commandId) ?? 0) + hosts);
      const [oldest] = left.keys();
      if (left.size > maxCommands && oldest !== undefined) left.delete(oldest);
    },
    arrived(commandId) {
      const before = left.get(commandId);
      if (before === undefined) return undefined;
      if (before === 1) left.delete(commandId);
      else left.set(commandId, before - 1);
      return before - 1;
    },
  };
}
