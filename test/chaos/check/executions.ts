// Promise 3: a change happens on a host at most once, exactly once where the host said OK, and not at all where it refused. The
// simulated hosts write each execution down before they answer; a change installs what no other change installs.
import { ErrorReason } from "../../../services/gen/systemsmanager/errors/v1/error_reason_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { EpochHistory, HostView, RunHistory } from "../history.js";
import type { Check } from "./check.js";

// A host that fails for one of these has not begun.
const failedBeforeBegin: readonly ErrorReason[] = [
  ErrorReason.STORAGE_FAILED,
  ErrorReason.BUSY,
  ErrorReason.COMMAND_FAILED,
  ErrorReason.COMMAND_EXPIRED,
];

export const executionChecks: readonly Check[] = [
  {
    name: "no change is executed twice on a host",
    *find(history) {
      for (const [subject, hosts] of executionsBySubject(history)) {
        for (const [host, count] of hosts) {
          if (count > 1) yield { subject: `${subject} on ${host}`, detail: `executed ${count} times` };
        }
      }
    },
  },
  {
    name: "nothing is executed that no plan ordered, nor on a host outside of its plan",
    *find(history) {
      const ordered = { ...history.orderedBefore, ...hostsBySubject(history) };
      for (const [subject, hosts] of executionsBySubject(history)) {
        const strange = [...hosts.keys()].filter((host) => !ordered[subject]?.includes(host));
        if (strange.length > 0) yield { subject, detail: `executed on ${strange.join(", ")}, which no plan says` };
      }
    },
  },
  {
    name: "a host executed a change once where it is OK, and not at all where it refused",
    *find(history) {
      const executions = executionsBySubject(history);
      for (const run of commits(history)) {
        const last = run.views.at(-1);
        for (const host of last?.hosts ?? []) {
          const count = executions.get(run.subject)?.get(host.name) ?? 0;
          const { least, most } = allowed(host);
          if (count >= least && count <= most) continue;
          const detail = `${host.name} is ${HostState[host.state]} and executed it ${count} times`;
          yield { subject: run.label, detail };
        }
      }
    },
  },
  {
    name: "a change that was never on its way is executed nowhere",
    *find(history) {
      const executions = executionsBySubject(history);
      for (const run of commits(history).filter(({ runId }) => runId === undefined)) {
        const hosts = [...(executions.get(run.subject)?.keys() ?? [])];
        if (hosts.length > 0)
          yield { subject: run.label, detail: `no run carries it out, and ${hosts.join(", ")} did` };
      }
    },
  },
];

/** By subject, then by host: how often. */
export function executionsBySubject({ executions }: EpochHistory): Map<string, Map<string, number>> {
  const bySubject = new Map<string, Map<string, number>>();
  for (const { host, subjects } of executions) {
    for (const subject of subjects) {
      const hosts = bySubject.get(subject) ?? new Map<string, number>();
      bySubject.set(subject, hosts.set(host, (hosts.get(host) ?? 0) + 1));
    }
  }
  return bySubject;
}

/** The hosts that each change of the epoch was ordered for, by what it installs. */
export function hostsBySubject(history: Pick<EpochHistory, "runs">): Record<string, readonly string[]> {
  return Object.fromEntries(commits(history).map(({ subject, hosts }) => [subject, hosts]));
}

function commits({ runs }: Pick<EpochHistory, "runs">): RunHistory[] {
  return runs.filter(({ kind }) => kind === "commit");
}

// CANCELLED, NO_ANSWER and INDETERMINATE leave open whether it happened; what began before a failure is unknown too.
function allowed({ state, reason }: HostView): { least: number; most: number } {
  if (state === HostState.OK) return { least: 1, most: 1 };
  if (state === HostState.DENIED || state === HostState.EXPIRED) return { least: 0, most: 0 };
  const refused = state === HostState.FAILED && reason !== undefined && failedBeforeBegin.includes(reason);
  return refused ? { least: 0, most: 0 } : { least: 0, most: 1 };
}
