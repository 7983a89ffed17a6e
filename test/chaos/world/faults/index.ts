// Every fault there is.
import type { FaultKind } from "../../schedule/schedule.js";
import { brokerFaults } from "./broker-faults.js";
import type { Fault } from "./fault.js";
import { hostFaults } from "./host-faults.js";
import { processFaults } from "./process-faults.js";

const faults = new Map<FaultKind, Fault>(
  [...brokerFaults, ...processFaults, ...hostFaults].map((fault) => [fault.kind, fault]),
);

/** The fault of this kind. */
export function faultOf(kind: FaultKind): Fault {
  const fault = faults.get(kind);
  if (!fault) throw new Error(`no fault is named ${JSON.stringify(kind)}`);
  return fault;
}
