// A host that could be reached all the time answers: what no fault excuses must be complete. A fault that was over well within a
// run's time excuses nothing, if it is of the kind that only makes answers late.
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { EpochHistory, FaultRecord, HostView, RunHistory } from "../history.js";
import type { Check } from "./check.js";

// How long a fleet may take to be whole again after a fault is over: brokers elect leaders, daemons dial again.
const recoveryMs = 8_000;

export const completenessChecks: readonly Check[] = [
  {
    name: "a host that could be reached all the time is OK",
    *find(history) {
      for (const run of history.runs) {
        if (run.acknowledgedAtMs === undefined || run.cancelRequestedAtMs !== undefined || run.isRollout) continue;
        const wrong = (run.views.at(-1)?.hosts ?? []).filter(
          (host) => host.state !== HostState.OK && !isExcused(host, run, history),
        );
        if (wrong.length > 0) yield { subject: run.label, detail: `no fault explains that ${describe(wrong)}` };
      }
    },
  },
  {
    name: "what chaos broke is whole again, and no process ended by itself",
    *find({ incidents, seed }) {
      for (const detail of incidents) yield { subject: seed, detail };
    },
  },
];

function isExcused({ name, state }: HostView, run: RunHistory, { faults }: EpochHistory): boolean {
  // A daemon that died within a change leaves open whether it happened, however long the command waits.
  const isLost = run.kind === "commit" && state === HostState.INDETERMINATE;
  const waits = run.queueMs > 0 && !isLost;
  // A run waits from when it was asked for, even when its command has to wait for the bus.
  const deadlineMs = run.requestedAtMs + run.timeoutMs + run.queueMs;
  return faults.some((fault) => {
    const { hosts, fromMs, untilMs } = fault;
    if (!hosts.includes(name) || fromMs > deadlineMs || untilMs + recoveryMs < run.requestedAtMs) return false;
    const excuses = leavesNoRelay(fault, faults) ? "answers under way" : fault.excuses;
    const excusesAll = excuses === "any answer" || (excuses === "answers under way" && !waits);
    return excusesAll || untilMs + recoveryMs > deadlineMs;
  });
}

// Two relays are all that there are: with both away hosts have nowhere to go, and a read gives up on them as on any that went away.
function leavesNoRelay(fault: FaultRecord, faults: readonly FaultRecord[]): boolean {
  const isOfRelay = ({ kind }: FaultRecord) => kind.startsWith("relay ");
  const meets = (other: FaultRecord) => other.fromMs < fault.untilMs && fault.fromMs < other.untilMs;
  return isOfRelay(fault) && faults.some((other) => isOfRelay(other) && other.target !== fault.target && meets(other));
}

function describe(hosts: readonly HostView[]): string {
  return hosts
    .map(({ name, state, reason }) => `${name} is ${HostState[state]}${reason ? ` (${reason})` : ""}`)
    .join(", ");
}
