// How long a run waits: until its deadline for everybody, and only a short grace for hosts whose daemon is away.
//
// A read gives up at once on a host that is offline when it begins, because no relay can hand it the command; on one that
// detaches in mid-run, or is not attached again after a restart of the control plane, it gives up after `detachGraceMs`. A
// change waits `changeGraceMs` for either: its daemon may be what restarts. A host that was given up and had the command may
// still answer; its answer is late, and counts.

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

/** Whether the run begins now or goes on after a restart. */
export type RunPhase = "new" | "resumed";

/** Closes accounts of the run in time. Ends by itself when the run is finished; the returned function ends it before. */
export function watchRun(run: TrackedRun, inventory: Inventory, patience: Patience, phase: RunPhase): () => void {
  const graces = new Map<number, NodeJS.Timeout>();
  const graceMs = run.record.planHash === "" ? patience.detachGraceMs : patience.changeGraceMs;
  const isNewRead = phase === "new" && run.record.planHash === "";
  const giveUp = (index: number) => {
    graces.delete(index);
    run.close(index, HostState.NO_ANSWER, awayProblem(run, inventory.find(run.targets[index]?.hostId ?? "")));
  };
  const expectBack = (index: number) => {
    if (run.account.stateOf(index) !== HostState.QUEUED || graces.has(index)) return;
    graces.set(index, setTimeout(giveUp, graceMs, index));
  };
  const hostChanged = (host: InventoryHost) => {
    const index = run.indexOf(host.hostId);
    if (index === undefined) return;
    if (!host.online) return expectBack(index);
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
    if (inventory.find(hostId)?.online) return;
    if (isNewRead) giveUp(index);
    else expectBack(index);
  });
  // A run that cannot be finished on disk is over too; whoever awaits it is told why.
  run.finished.then(stop, stop);
  return stop;
}

function awayProblem(run: TrackedRun, host: InventoryHost | undefined): HostProblem {
  const since = host ? new Date(host.sinceMs).toISOString() : "an unknown time";
  const remedy = "start its daemon, then ask again";
  const began = "look whether it began the change; if its daemon comes back and says so, that still counts";
  return {
    reason: ErrorReason.UNREACHABLE,
    message: `the host is offline since ${since}`,
    remedy: run.record.planHash === "" ? remedy : began,
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
