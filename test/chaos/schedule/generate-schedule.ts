// From a seed to a schedule: the same seed gives the same one. Each part draws from a generator of its own, so that one more
// order does not change the faults.
import { createRandom, pick } from "../../../services/providers/simulated/seeded-random.js";
import type {
  ChaosEvent,
  EpochSchedule,
  FaultKind,
  PlannedFault,
  PlannedOrder,
  PlannedRollout,
  PlannedSelector,
  Trigger,
} from "./schedule.js";

export interface ScheduleOptions {
  readonly seed: string;
  readonly hosts: number;
  /** Labelled groups of hosts, one for each emulator. */
  readonly groups: number;
  /** Faults to choose from. */
  readonly kinds: readonly FaultKind[];
}

const ordersPerEpoch = { least: 20, most: 44 };
const faultsPerEpoch = { least: 3, most: 9 };
const faultsEndMs = 7_500;
const events: readonly ChaosEvent[] = ["acknowledged", "progressed", "planned", "committed", "executed"];
const reads = ["GetSystemSnapshot", "ListServices", "ListProcesses", "ListPackages"];
const longestListedNames = 6;

/** Draws an epoch. */
export function generateSchedule(options: ScheduleOptions): EpochSchedule {
  const { seed } = options;
  const shape = createRandom(`${seed}/shape`);
  const orders = times(shape, ordersPerEpoch, (index) => drawOrder(createRandom(`${seed}/order/${index}`), options));
  const faults = times(shape, faultsPerEpoch, (index) => drawFault(createRandom(`${seed}/fault/${index}`), options));
  const kill = createRandom(`${seed}/last kill`);
  const lastKill = kill() < 0.4 ? { lastKill: whole(kill, 0, 7) } : {};
  return { seed, orders: orders.sort((one, other) => one.atMs - other.atMs), faults, faultsEndMs, ...lastKill };
}

function drawOrder(random: () => number, options: ScheduleOptions): PlannedOrder {
  const kind = random() < 0.5 ? "read" : "change";
  const order = {
    atMs: whole(random, 0, faultsEndMs),
    kind,
    isPlannedAhead: kind === "change" && random() < 0.7,
    controlPlane: whole(random, 0, 7),
    selector: drawSelector(random, options),
    operation: kind === "read" ? pick(reads, random) : "",
    // Some end in the middle of the faults, others must come through them.
    timeoutMs: random() < 0.5 ? whole(random, 3_000, 12_000) : whole(random, 16_000, 20_000),
    queueMs: random() < 0.3 ? whole(random, 4_000, 10_000) : 0,
  } satisfies PlannedOrder;
  const cancel = random() < 0.15 ? { cancelAfterMs: whole(random, 1, 1_500) } : {};
  // Waves do not wait for hosts that are away.
  const rollout = kind === "change" && random() < 0.35 ? { rollout: drawRollout(random), queueMs: 0 } : {};
  return { ...order, ...cancel, ...rollout };
}

function drawSelector(random: () => number, { hosts, groups }: ScheduleOptions): PlannedSelector {
  const chance = random();
  if (chance < 0.5) return { by: "all" };
  if (chance < 0.75) return { by: "label", group: whole(random, 0, groups - 1) };
  const indexes = times(random, { least: 1, most: longestListedNames }, () => whole(random, 0, hosts - 1));
  return { by: "names", indexes: [...new Set(indexes)] };
}

function drawRollout(random: () => number): PlannedRollout {
  return {
    canary: whole(random, 1, 2),
    batch: whole(random, 3, 10),
    maxFailed: whole(random, 0, 3),
    isResumed: random() < 0.6,
  };
}

function drawFault(random: () => number, { kinds }: ScheduleOptions): PlannedFault {
  return {
    kind: pick(kinds, random),
    trigger: drawTrigger(random),
    lastsMs: whole(random, 300, 4_500),
    target: whole(random, 0, 7),
  };
}

function drawTrigger(random: () => number): Trigger {
  if (random() < 0.5) return { at: "time", atMs: whole(random, 0, faultsEndMs - 2_000) };
  return { at: "event", event: pick(events, random), count: whole(random, 1, 12) };
}

function times<Item>(
  random: () => number,
  { least, most }: { least: number; most: number },
  make: (index: number) => Item,
): Item[] {
  return Array.from({ length: whole(random, least, most) }, (_, index) => make(index));
}

function whole(random: () => number, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}
