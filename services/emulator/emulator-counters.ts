// What the logical hosts of an emulator did and suffered. Every number but `attached` and `down` only grows; those of several
// processes add up.
import { createDaemonCounters, type DaemonCounters } from "../daemon/daemon-counters.js";
import { createFaultCounters, type FaultCounters } from "./faults/faulty-host.js";

export interface EmulatorCounters extends DaemonCounters, FaultCounters {
  /** Hosts that a relay has welcomed and that are still attached. */
  attached: number;
  /** Hosts that were killed and are not back yet. */
  down: number;
  /** Changes carried out; each stands in the executions file too. */
  executions: number;
}

/** All zero. */
export function createEmulatorCounters(): EmulatorCounters {
  return { attached: 0, down: 0, ...createDaemonCounters(), executions: 0, ...createFaultCounters() };
}

/** The sum, name by name. */
export function addCounters(all: readonly EmulatorCounters[]): EmulatorCounters {
  const sum = createEmulatorCounters();
  for (const counters of all) {
    for (const name of Object.keys(sum) as (keyof EmulatorCounters)[]) sum[name] += counters[name];
  }
  return sum;
}
