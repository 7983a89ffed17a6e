// How long a run waits: until its deadline for everybody, and only a short grace for hosts whose daemon is away.
//
// A read gives up at once on a host that is offline when it begins, because no relay can hand it the command; on one that
// detaches in mid-run or did so right before it, as when it moves from one relay to another, or is not attached again after a
// restart of the control plane, it gives up after `detachGraceMs`. A change waits `changeGraceMs` for either: its daemon may be what
// restarts. Hosts that went away with their relay are waited for during `relayGraceMs`: they are well, and come back to another relay
// or to the same one, thousands of them one after the other. A run with a delivery timeout does not give hosts up: they stay queued
// until that has passed, and the caller is answered without them. A host that attaches anew is sent its command again, in such a run even
// one that was taken for silent at the deadline: word of its going away can be late, or lost with its relay. A host that was given
// up and answers all the same is late, and counts.

import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { HostListener, Inventory, InventoryHost } from "../inventory/inventory.js";
import { GracePeriods } from "./grace-periods.js";
import type { CommandRecord, HostProblem } from "./run-record.js";
import { indexesOf } from "./spans.js";
import type { TrackedRun } from "./tracked-run.js";
import { awayProblem, deadlineProblem, neverSentProblem, undeliveredProblem } from "./waiting-problems.js";

/** Time given to a host that went away: by kind of run, or whatever the run is when its relay went. */
export interface Patience {
  readonly detachGraceMs: number;
  readonly changeGraceMs: number;
  readonly relayGraceMs: number;
}

/** What the product uses. */
export const defaultPatience: Patience = { detachGraceMs: 3_000, changeGraceMs: 30_000, relayGraceMs: 60_000 };

/** Longest delay of a Node timer. */
const maxTimerMs = 2 ** 31 - 1;

export interface WaitingParts {
  readonly inventory: Inventory;
  readonly patience: Patience;
  /** Sends a host its command again. */
  readonly sendAgain: (run: TrackedRun, index: number) => void;
}

/** Watches one run. Ends by itself when the run is finished. */
export class RunWatch {
  readonly #run: TrackedRun;
  readonly #parts: WaitingParts;
  readonly #graces: GracePeriods;
  readonly #relayGraces: GracePeriods;
  /** Queued hosts that are away and are not waited for before the delivery timeout. */
  readonly #resting = new Set<number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #stopListening: (() => void)[];

  constructor(run: TrackedRun, parts: WaitingParts) {
    this.#run = run;
    this.#parts = parts;
    const { detachGraceMs, changeGraceMs, relayGraceMs } = parts.patience;
    const giveUp = (indexes: readonly number[]) => this.#giveUp(indexes);
    this.#graces = new GracePeriods(this.#isRead ? detachGraceMs : changeGraceMs, giveUp);
    this.#relayGraces = new GracePeriods(relayGraceMs, giveUp);
    this.#stopListening = [
      parts.inventory.onChange((host, former) => this.#hostChanged(host, former)),
      run.onChange(() => this.#concludeIfResting()),
    ];
    this.#at(run.record.deliverUntilMs, () => this.#end());
    // A run that cannot be finished on disk is over too; whoever awaits it is told why.
    run.finished.then(
      () => this.stop(),
      () => this.stop(),
    );
  }

  /** These commands go out now. Called before they do, so that no host's change is missed. */
  begin(commands: readonly CommandRecord[]): void {
    const away: number[] = [];
    for (const command of commands) {
      for (const index of indexesOf(command.spans)) if (!this.#isOnline(index)) away.push(index);
      this.#watchDeadline(command);
    }
    if (away.length === 0) return;
    const awaited = away.filter((index) => !this.#run.delivers && (!this.#isRead || this.#hasJustLeft(index)));
    for (const index of awaited) this.#beginGrace(index);
    const isAwaited = new Set(awaited);
    const lost = away.filter((index) => !isAwaited.has(index));
    if (lost.length > 0) this.#giveUp(lost);
  }

  /** Goes on after a restart of the control plane: what was sent, and was perhaps not, is sent again to who is there. */
  resume(): void {
    const run = this.#run;
    // The caller was answered: everybody who is still queued has time until the delivery timeout.
    const rests = run.isConcluded && run.delivers;
    for (const index of run.open()) {
      if (!run.commands.of(index)) continue;
      if (this.#isOnline(index)) this.#parts.sendAgain(run, index);
      else if (run.account.stateOf(index) !== HostState.QUEUED) continue;
      else if (rests) this.#resting.add(index);
      else this.#beginGrace(index);
    }
    if (!rests) for (const command of run.commands.all) this.#watchDeadline(command);
  }

  stop(): void {
    for (const stop of this.#stopListening) stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#graces.stop();
    this.#relayGraces.stop();
  }

  get #isRead(): boolean {
    return this.#run.record.planHash === "";
  }

  #isOnline(index: number): boolean {
    return this.#host(index)?.online ?? false;
  }

  // By its relay's clock, whose error makes the wait a little too short or too long.
  #hasJustLeft(index: number): boolean {
    const host = this.#host(index);
    const { detachGraceMs, relayGraceMs } = this.#parts.patience;
    return host !== undefined && Date.now() - host.sinceMs < (host.lostWithRelay ? relayGraceMs : detachGraceMs);
  }

  #beginGrace(index: number): void {
    const periods = this.#host(index)?.lostWithRelay ? this.#relayGraces : this.#graces;
    periods.begin(index);
  }

  #endGrace(index: number): void {
    this.#graces.end(index);
    this.#relayGraces.end(index);
  }

  #host(index: number): InventoryHost | undefined {
    return this.#parts.inventory.find(this.#run.targets[index]?.hostId ?? "");
  }

  #hostChanged: HostListener = (host, former) => {
    const run = this.#run;
    const index = run.indexOf(host.hostId);
    if (index === undefined || !run.commands.of(index) || run.account.hasAnswered(index)) return;
    const isQueued = run.account.stateOf(index) === HostState.QUEUED;
    if (!host.online) {
      if (isQueued && !this.#resting.has(index)) this.#beginGrace(index);
      return;
    }
    this.#endGrace(index);
    this.#resting.delete(index);
    const attachedAnew = !former?.online || former.attachment !== host.attachment;
    const isLate = run.account.stateOf(index) === HostState.NO_ANSWER && (run.delivers || !run.isConcluded);
    if (attachedAnew && (isQueued || isLate)) this.#parts.sendAgain(run, index);
  };

  #giveUp(indexes: readonly number[]): void {
    if (this.#run.delivers) {
      for (const index of indexes) this.#resting.add(index);
      this.#concludeIfResting();
      return;
    }
    const hosts = indexes.map((index) => [index, awayProblem(this.#run, this.#host(index))] as const);
    this.#run.close(hosts, HostState.NO_ANSWER);
  }

  #watchDeadline(command: CommandRecord): void {
    if (command.deadlineMs >= this.#run.record.deliverUntilMs) return;
    this.#at(command.deadlineMs, () => this.#passDeadline(command));
  }

  // Who is there has had its time; who is away may still have some.
  #passDeadline(command: CommandRecord): void {
    const queued = indexesOf(command.spans).filter((index) => this.#run.account.stateOf(index) === HostState.QUEUED);
    const away = this.#run.delivers ? queued.filter((index) => !this.#isOnline(index)) : [];
    const kept = new Set(away);
    const silent = queued.filter((index) => !kept.has(index));
    for (const index of away) this.#endGrace(index);
    this.#closeSilent(silent, deadlineProblem(this.#run, command));
    this.#giveUp(away);
  }

  // Everybody's last moment.
  #end(): void {
    const run = this.#run;
    const delivered = run.record.deliverUntilMs > run.record.deadlineMs;
    const [undelivered, unsent] = [undeliveredProblem(run), neverSentProblem(run)];
    const queued = run.queued();
    const expired = queued.filter((index) => !run.commands.of(index) || (delivered && !this.#isOnline(index)));
    const isExpired = new Set(expired);
    const silent = queued.filter((index) => !isExpired.has(index));
    this.#closeSilent(silent, deadlineProblem(run));
    const closing = expired.map((index) => [index, run.commands.of(index) ? undelivered : unsent] as const);
    run.close(closing, HostState.EXPIRED);
    run.endDelivery();
  }

  // A host that is still away is not silent.
  #closeSilent(indexes: readonly number[], silent: HostProblem): void {
    const problemOf = (index: number) => (this.#isOnline(index) ? silent : awayProblem(this.#run, this.#host(index)));
    this.#run.close(
      indexes.map((index) => [index, problemOf(index)] as const),
      HostState.NO_ANSWER,
    );
  }

  #concludeIfResting(): void {
    const run = this.#run;
    if (run.isConcluded || run.commands.unsent > 0) return;
    for (const index of this.#resting) {
      if (run.account.stateOf(index) !== HostState.QUEUED) this.#resting.delete(index);
    }
    if (this.#resting.size === run.account.queued) run.conclude();
  }

  #at(timeMs: number, action: () => void): void {
    const delayMs = Math.max(0, timeMs - Date.now());
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (delayMs > maxTimerMs) this.#at(timeMs, action);
        else action();
      },
      Math.min(maxTimerMs, delayMs),
    );
    this.#timers.add(timer);
  }
}
