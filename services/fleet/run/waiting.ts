// How long a run waits: until its deadline for everybody, and only a short grace for hosts whose daemon is away.
//
// A read gives up at once on a host that is offline when the run begins, and after `detachGraceMs` on one that detaches in
// mid-run (a relay that restarts is back within it). A change waits `changeGraceMs` for either: its daemon may be what
// restarts. In both cases the command stays valid until the deadline; a host that comes back answers late.

import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason } from "../../shared/errors.js";
import type { Inventory, InventoryHost } from "../inventory/inventory.js";
import type { HostProblem } from "./run-record.js";
import type { TrackedRun } from "./tracked-run.js";

/** Time given to a host that went away, by kind of run. */
export interface Patience {
  readonly detachGraceMs: number;
  readonly changeGraceMs: number;
}

/** What the product uses. */
export const defaultPatience: Patience = { detachGraceMs: 3_000, changeGraceMs: 30_000 };

/** Longest delay of a Node timer. */
const maxTimerMs = 2 ** 31 - 1;

/** Closes accounts of the run in time. Ends by itself when the run is finished; the returned function ends it before. */
export function watchRun(run: TrackedRun, inventory: Inventory, patience: Patience): () => void {
  const graces = new Map<number, NodeJS.Timeout>();
  const changes = run.record.planHash !== "";
  const giveUp = (index: number) => {
    graces.delete(index);
    run.close(index, HostState.NO_ANSWER, awayProblem(run, inventory.find(run.targets[index]?.hostId ?? "")));
  };
  const expectBack = (index: number, graceMs: number) => {
    if (run.account.stateOf(index) !== HostState.QUEUED || graces.has(index)) return;
    if (graceMs === 0) return giveUp(index);
    graces.set(index, setTimeout(giveUp, graceMs, index));
  };
  const hostChanged = (host: InventoryHost) => {
    const index = run.indexOf(host.hostId);
    if (index === undefined) return;
    if (!host.online) return expectBack(index, changes ? patience.changeGraceMs : patience.detachGraceMs);
    clearTimeout(graces.get(index));
    graces.delete(index);
  };
  const deadline = setTimeout(
    () => run.closeAll(HostState.NO_ANSWER, deadlineProblem(run)),
    Math.min(maxTimerMs, Math.max(0, run.record.deadlineMs - Date.now())),
  );
  const stopListening = inventory.onChange(hostChanged);
  const stop = () => {
    clearTimeout(deadline);
    stopListening();
    for (const timer of graces.values()) clearTimeout(timer);
    graces.clear();
  };
  run.targets.forEach(({ hostId }, index) => {
    if (!inventory.find(hostId)?.online) expectBack(index, changes ? patience.changeGraceMs : 0);
  });
  // A run that cannot be finished on disk is over too; whoever awaits it is told why.
  run.finished.then(stop, stop);
  return stop;
}

function awayProblem(run: TrackedRun, host: InventoryHost | undefined): HostProblem {
  const since = host ? new Date(host.sinceMs).toISOString() : "an unknown time";
  const deadline = new Date(run.record.deadlineMs).toISOString();
  return {
    reason: ErrorReason.UNREACHABLE,
    message: host?.online ? "the host's daemon came back but did not answer" : `the host is offline since ${since}`,
    remedy: `start its daemon; the command stays valid until ${deadline}, and an answer by then still counts`,
    metadata: { address: host?.name ?? "", since },
  };
}

function deadlineProblem({ record }: TrackedRun): HostProblem {
  const timeout = `${(record.deadlineMs - record.startedAtMs) / 1000}s`;
  return {
    reason: ErrorReason.DEADLINE_EXCEEDED,
    message: `the host did not answer within ${timeout}`,
    remedy: "ask it again with a longer timeout, or look at its daemon's log",
    metadata: { timeout },
  };
}
