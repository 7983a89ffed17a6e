// Does the faults of a schedule, each when its moment has come, and undoes them all before it resolves.

import { pause } from "../../../services/shared/pause.js";
import type { FaultRecord } from "../history.js";
import type { EpochSchedule, PlannedFault } from "../schedule/schedule.js";
import type { Fault } from "../world/faults/fault.js";
import { faultOf } from "../world/faults/index.js";
import type { World } from "../world/world.js";
import type { ChaosEvents } from "./chaos-events.js";

export interface Injector {
  /** Faults in the order in which they began; grows. */
  readonly records: readonly FaultRecord[];
  /** Resolves when all of them are undone. */
  readonly done: Promise<void>;
}

/** Begins with the epoch. `onTrouble` is told what could not be done or undone. */
export function injectFaults(
  { faults, faultsEndMs }: EpochSchedule,
  world: World,
  events: ChaosEvents,
  onTrouble: (what: string) => void,
): Injector {
  const records: FaultRecord[] = [];
  const hit = new Set<string>();
  const over = AbortSignal.timeout(faultsEndMs);

  async function inject(planned: PlannedFault) {
    const fault = faultOf(planned.kind);
    if (!(await isDue(planned, events, over))) return;
    const target = fault.target(world, planned.target);
    // What is broken already is not broken again.
    if (hit.has(target)) return;
    hit.add(target);
    const record = createRecord(fault, world, planned.target);
    records.push(record);
    try {
      await fault.begin(world, planned.target);
      await pause(planned.lastsMs, over);
      await fault.end(world, planned.target);
    } catch (error) {
      onTrouble(`${planned.kind} at ${target}: ${error}`);
    }
    record.untilMs = Date.now();
    hit.delete(target);
  }

  return { records, done: Promise.all(faults.map(inject)).then(() => undefined) };
}

async function isDue({ trigger }: PlannedFault, events: ChaosEvents, over: AbortSignal): Promise<boolean> {
  if (trigger.at === "event") return events.reached(trigger.event, trigger.count, over);
  await pause(trigger.atMs, over);
  return !over.aborted;
}

function createRecord(fault: Fault, world: World, number: number): FaultRecord {
  return {
    kind: fault.kind,
    target: fault.target(world, number),
    hosts: fault.hosts(world, number),
    excuses: fault.excuses,
    fromMs: Date.now(),
    untilMs: Number.POSITIVE_INFINITY,
  };
}
