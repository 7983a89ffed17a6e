// Regular looks at many connections from one timer: a process with thousands of daemons would otherwise wake for each of them.

interface Round {
  readonly slots: readonly Set<() => void>[];
  readonly timer: NodeJS.Timeout;
  members: number;
}

// The calls of a round are spread over it, so that thousands of heartbeats do not leave at once.
const mostSlots = 16;
const shortestTickMs = 20;

const rounds = new Map<number, Round>();

/** Calls `check` once in every so many milliseconds until the returned function is called. */
export function checkRegularly(everyMs: number, check: () => void): () => void {
  const round = rounds.get(everyMs) ?? startRound(everyMs);
  const slot = round.slots[round.members++ % round.slots.length] as Set<() => void>;
  slot.add(check);
  return () => {
    if (!slot.delete(check) || round.slots.some(({ size }) => size > 0)) return;
    clearInterval(round.timer);
    rounds.delete(everyMs);
  };
}

function startRound(everyMs: number): Round {
  const slots = Array.from(
    { length: Math.max(1, Math.min(mostSlots, Math.floor(everyMs / shortestTickMs))) },
    () => new Set<() => void>(),
  );
  let tick = 0;
  const timer = setInterval(() => {
    for (const check of slots[tick++ % slots.length] as Set<() => void>) check();
  }, everyMs / slots.length);
  const round = { slots, timer, members: 0 };
  rounds.set(everyMs, round);
  return round;
}
