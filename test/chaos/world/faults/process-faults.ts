// Faults of whole processes: killed, stopped in mid-air, ended in order; and started again where they were.
import type { FaultKind } from "../../schedule/schedule.js";
import { type ManagedProcess, startAgain } from "../managed-process.js";
import type { World } from "../world.js";
import { type Fault, itemAt } from "./fault.js";

interface Victim {
  readonly excuses: Fault["excuses"];
  process(world: World, number: number): ManagedProcess;
  hosts(world: World, number: number): readonly string[];
}

const relay: Victim = {
  excuses: "late answers",
  process: ({ relays }, number) => itemAt(relays, number).process,
  hosts: ({ hosts }) => hosts,
};

const controlPlane: Victim = {
  excuses: "late answers",
  process: ({ controlPlanes }, number) => itemAt(controlPlanes, number).process,
  hosts: ({ hosts }) => hosts,
};

// What ran on a host when its daemon died is lost, or indeterminate.
const daemons: Victim = {
  excuses: "answers under way",
  process: ({ emulators }, number) => itemAt(emulators, number).process,
  hosts: ({ emulators }, number) => itemAt(emulators, number).hosts,
};

export const processFaults: readonly Fault[] = [
  killFault("relay kill", relay),
  pauseFault("relay pause", relay),
  stopFault("relay drain", relay),
  killFault("control plane kill", controlPlane),
  pauseFault("control plane pause", controlPlane),
  stopFault("control plane stop", controlPlane),
  killFault("daemons kill", daemons),
  pauseFault("daemons pause", daemons),
];

function killFault(kind: FaultKind, victim: Victim): Fault {
  return {
    ...faultOn(kind, victim),
    begin: (world, number) => victim.process(world, number).kill(),
    end: (world, number) => startAgain(victim.process(world, number)),
  };
}

function stopFault(kind: FaultKind, victim: Victim): Fault {
  return {
    ...faultOn(kind, victim),
    begin: (world, number) => victim.process(world, number).stop(),
    end: (world, number) => startAgain(victim.process(world, number)),
  };
}

function pauseFault(kind: FaultKind, victim: Victim): Fault {
  return {
    ...faultOn(kind, victim),
    begin: async (world, number) => victim.process(world, number).pause(),
    end: async (world, number) => victim.process(world, number).resume(),
  };
}

function faultOn(kind: FaultKind, { excuses, process, hosts }: Victim) {
  return { kind, excuses, hosts, target: (world: World, number: number) => process(world, number).name };
}
