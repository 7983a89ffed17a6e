// Small made-up histories: three hosts, one change, nothing wrong, and what a test wants to be otherwise.
import type { ErrorReason } from "../../../services/gen/systemsmanager/errors/v1/error_reason_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { Account, EpochHistory, FaultRecord, HostView, RunHistory, RunView } from "../history.js";

const names = ["a", "b", "c"];
const beganMs = 1_000;

export const account: Account = {
  targeted: 3,
  ok: 3,
  failed: 0,
  denied: 0,
  expired: 0,
  queued: 0,
  cancelled: 0,
  noAnswer: 0,
  indeterminate: 0,
};

export function host(name: string, state = HostState.OK, reason?: ErrorReason): HostView {
  const isOk = state === HostState.OK;
  return {
    name,
    state,
    digest: isOk ? `digest of ${name}` : "",
    hasBody: isOk,
    ...(reason === undefined ? {} : { reason }),
  };
}

export function view(
  moment: string,
  hosts: HostView[] = names.map((name) => host(name)),
  more: Partial<Account> = {},
): RunView {
  return {
    moment,
    account: { ...account, ...more },
    duplicateReplies: 0,
    lateReplies: 0,
    isFinished: true,
    revision: 1,
    hosts,
  };
}

export function commit(more: Partial<RunHistory> = {}): RunHistory {
  return {
    label: "7/0 change 0",
    kind: "commit",
    controlPlane: 0,
    requestedAtMs: beganMs,
    acknowledgedAtMs: beganMs + 5,
    timeoutMs: 5_000,
    queueMs: 0,
    isRollout: false,
    subject: "chaos-1",
    planHash: "f00",
    hosts: names,
    runId: "run 1",
    targeted: 3,
    accounts: [{ ...account, ok: 1, queued: 2 }, account],
    completed: true,
    views: [view("finished"), view("settled")],
    ...more,
  };
}

export function executions(...hosts: string[]) {
  return hosts.map((each) => ({ host: each, commandId: "command 1", subjects: ["chaos-1"], time: "" }));
}

export function history(more: Partial<EpochHistory> = {}): EpochHistory {
  return {
    seed: "7/0",
    hosts: names,
    runs: [commit()],
    faults: [],
    orderedBefore: {},
    executions: executions(...names),
    incidents: [],
    ...more,
  };
}

/** The last look found host c in this state. */
export function endedWith(state: HostState, counts: Partial<Account>, reason?: ErrorReason): RunHistory {
  const last = view("settled", [host("a"), host("b"), host("c", state, reason)], { ok: 2, ...counts });
  return commit({ accounts: [], views: [last] });
}

const relayKilled = { kind: "relay kill", target: "relay-0", hosts: names, fromMs: 2_000 } as const;
export const fault = (untilMs: number, excuses: FaultRecord["excuses"]) => ({ ...relayKilled, untilMs, excuses });
