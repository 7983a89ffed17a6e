// Regular looks at many connections from one timer: a process with thousands of daemons would otherwise wake for each of them, and
// one with a single daemon wakes for that one alone.

interface Round {
  readonly slots: readonly Set<() => void>[];
  readonly slotMs: number;
  readonly startedAt: number;
  /** Slots whose turn has passed since the start. */
  turns: number;
  members: number;
  timer?: NodeJS.Timeout;
}

// The calls of a round are spread over it, so that thousands of heartbeats do not leave at once.
const mostSlots = 16;
const shortestSlotMs = 20;

const rounds = new Map<number, Round>();

/** Calls `check` once in every so many milliseconds until the returned function is called. */
export function checkRegularly(everyMs: number, check: () => void): () => void {
  const round = rounds.get(everyMs) ?? startRound(everyMs);
  const slot = round.slots[round.members++ % round.slots.length] as Set<() => void>;
  if (slot.size > 0) slot.add(check);
  else fillSlot(round, slot, check);
  return () => {
    if (!slot.delete(check) || round.slots.some(({ size }) => size > 0)) return;
    clearTimeout(round.timer);
    rounds.delete(everyMs);
  };
}

function startRound(everyMs: number): Round {
  const count = Math.max(1, Math.min(mostSlots, Math.floor(everyMs / shortestSlotMs)));
  const slots = Array.from({ length: count }, () => new Set<() => void>());
  const round = { slots, slotMs: everyMs / count, startedAt: performance.now(), turns: 0, members: 0 };
  rounds.set(everyMs, round);
  return round;
}

// Turns that passed without anybody are not called later for who came since; and the timer may be set for a later turn.
function fillSlot(round: Round, slot: Set<() => void>, check: () => void): void {
  const due = dueTurns(round);
  while (round.turns < due && slotOf(round, round.turns).size === 0) round.turns++;
  slot.add(check);
  awaitNextSlot(round);
}

// An idle process wakes only for slots with somebody in them.
function awaitNextSlot(round: Round): void {
  const { slots, slotMs, startedAt } = round;
  clearTimeout(round.timer);
  const ahead = slots.findIndex((_, index) => slotOf(round, round.turns + index).size > 0);
  if (ahead === -1) return;
  const due = startedAt + (round.turns + ahead + 1) * slotMs;
  round.timer = setTimeout(callDueSlots, Math.ceil(due - performance.now()), round);
}

function callDueSlots(round: Round): void {
  const due = dueTurns(round);
  // Whoever was suspended for longer than a round calls each once.
  round.turns = Math.max(round.turns, due - round.slots.length);
  while (round.turns < due) {
    for (const check of slotOf(round, round.turns++)) check();
  }
  awaitNextSlot(round);
}

function dueTurns({ startedAt, slotMs }: Round): number {
  return Math.floor((performance.now() - startedAt) / slotMs);
}

function slotOf({ slots }: Round, turn: number): Set<() => void> {
  return slots[turn % slots.length] as Set<() => void>;
}
