// Faults that the simulated hosts of one emulator suffer among themselves, switched on and off while they run. Several kinds may
// be on at once; the emulator is always told the whole set.
import type { FaultKind } from "../../schedule/schedule.js";
import type { ManagedProcess } from "../managed-process.js";
import { type Fault, itemAt } from "./fault.js";

interface HostFault {
  readonly kind: FaultKind;
  /** As `emulate --fault` takes it. */
  readonly faults: string;
  readonly excuses: Fault["excuses"];
}

const kinds: readonly HostFault[] = [
  { kind: "commands dropped", faults: "drop=0.2", excuses: "any answer" },
  { kind: "messages doubled", faults: "duplicate=0.6", excuses: "late answers" },
  { kind: "messages reordered", faults: "reorder=0.5", excuses: "late answers" },
  { kind: "messages late", faults: "delay=10ms..900ms", excuses: "late answers" },
  { kind: "slow changes", faults: "work=100ms..2500ms", excuses: "late answers" },
  { kind: "clock skew", faults: "skew=-90s..90s", excuses: "any answer" },
  { kind: "disk full", faults: "disk-full=0.5", excuses: "any answer" },
  { kind: "slow consumer", faults: "stall=0.5", excuses: "any answer" },
  { kind: "hosts killed", faults: "kill=0.3/s,down=200ms..2s", excuses: "answers under way" },
  { kind: "crash after change", faults: "crash=0.5,down=200ms..2s", excuses: "answers under way" },
  { kind: "changes refused", faults: "refuse=0.4", excuses: "any answer" },
];

/** What is on at each emulator. */
const active = new Map<ManagedProcess, Set<HostFault>>();

export const hostFaults: readonly Fault[] = kinds.map((fault) => ({
  kind: fault.kind,
  excuses: fault.excuses,
  target: ({ emulators }, number) => `${fault.kind} at ${itemAt(emulators, number).process.name}`,
  hosts: ({ emulators }, number) => itemAt(emulators, number).hosts,
  begin: async ({ emulators }, number) => change(itemAt(emulators, number).process, (on) => void on.add(fault)),
  end: async ({ emulators }, number) => change(itemAt(emulators, number).process, (on) => void on.delete(fault)),
}));

function change(emulator: ManagedProcess, how: (on: Set<HostFault>) => void): void {
  const on = active.get(emulator) ?? new Set();
  active.set(emulator, on);
  how(on);
  // One that was killed comes back without faults.
  if (emulator.isRunning) emulator.write(JSON.stringify({ faults: [...on].map(({ faults }) => faults).join(",") }));
}
