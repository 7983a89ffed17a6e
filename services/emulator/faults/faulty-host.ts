// What one host suffers now: draws are its own and come again with the same seed.
import { createRandom } from "../../providers/simulated/seeded-random.js";
import { drawTime, type FaultSet } from "./fault-set.js";

/** Faults of a process, changed while it runs. */
export interface FaultSource {
  current: FaultSet;
}

export type FaultyHost = ReturnType<typeof createFaultyHost>;

/** How many faults there were, by kind. */
export interface FaultCounters {
  faultDrops: number;
  faultDuplicates: number;
  faultReorders: number;
  faultDelays: number;
  faultsOfDisk: number;
  faultRefusals: number;
  kills: number;
}

/** All zero. */
export function createFaultCounters(): FaultCounters {
  return {
    faultDrops: 0,
    faultDuplicates: 0,
    faultReorders: 0,
    faultDelays: 0,
    faultsOfDisk: 0,
    faultRefusals: 0,
    kills: 0,
  };
}

/** The faults of the host with this id. */
export function createFaultyHost(hostId: string, seed: string, source: FaultSource, counters: FaultCounters) {
  const random = createRandom(`${seed}/faults/${hostId}`);
  const fate = createRandom(`${seed}/fate/${hostId}`);
  // A host stays slow, and its clock wrong in one direction, as long as the fault lasts.
  const [slowness, clockError] = [fate(), fate()];
  return {
    random,
    faults: () => source.current,
    counters,
    /** True with this probability. */
    happens: (share: number) => share > 0 && random() < share,
    isStalled: () => slowness < source.current.stall,
    clock: () => Math.round(Date.now() + (source.current.skew ? drawTime(source.current.skew, () => clockError) : 0)),
  };
}
