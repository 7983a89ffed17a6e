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
          ({ name, state }) => state !== HostState.OK && !isExcused(name, run, history),
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

function isExcused(host: string, run: RunHistory, { faults }: EpochHistory): boolean {
  // A run waits from when it was asked for, even when its command has to wait for the bus.
  const deadlineMs = run.requestedAtMs + run.timeoutMs;
  return faults.some((fault) => excuses(fault, host, run.requestedAtMs, deadlineMs));
}

function excuses({ hosts, excuses, fromMs, untilMs }: FaultRecord, host: string, beganMs: number, deadlineMs: number) {
  if (!hosts.includes(host) || fromMs > deadlineMs || untilMs + recoveryMs < beganMs) return false;
  return excuses === "any answer" || untilMs + recoveryMs > deadlineMs;
}

function describe(hosts: readonly HostView[]): string {
  return hosts
    .map(({ name, state, reason }) => `${name} is ${HostState[state]}${reason ? ` (${reason})` : ""}`)
    .join(", ");
}
