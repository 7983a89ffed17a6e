// The accounting identity of a run: targeted = ok + failed + denied + expired + queued + cancelled + no_answer +
// indeterminate, one state per host. Every transition goes through this class and is checked there; a violation throws.
import { create } from "@bufbuild/protobuf";
import { type Accounting, AccountingSchema, HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";

import type { StateCounts } from "./run-record.js";

/** How an answer was taken. */
export type Taken = "accounted" | "late" | "duplicate";

/** States that the control plane itself gives to a host that has not answered. */
export type ClosedState = HostState.NO_ANSWER | HostState.CANCELLED | HostState.EXPIRED;

const states = [
  HostState.OK,
  HostState.FAILED,
  HostState.DENIED,
  HostState.EXPIRED,
  HostState.QUEUED,
  HostState.CANCELLED,
  HostState.NO_ANSWER,
  HostState.INDETERMINATE,
] as const;
const isState = new Set<number>(states);

/** Replies that are no part of the sum. */
export interface ReplyCounters {
  duplicateReplies: number;
  lateReplies: number;
  invalidReplies: number;
}

/** One account per run; hosts are indices into its targets. All begin as QUEUED. */
export class RunAccount {
  readonly #states: Uint8Array;
  readonly #answered: Uint8Array;
  readonly #counts = new Uint32Array(Math.max(...states) + 1);
  readonly #counters: ReplyCounters;

  constructor(targeted: number, counters: ReplyCounters) {
    if (targeted < 1) throw new RangeError("a run has at least one target");
    this.#states = new Uint8Array(targeted).fill(HostState.QUEUED);
    this.#answered = new Uint8Array(targeted);
    this.#counts[HostState.QUEUED] = targeted;
    this.#counters = counters;
  }

  get targeted(): number {
    return this.#states.length;
  }

  get queued(): number {
    return this.count(HostState.QUEUED);
  }

  count(state: HostState): number {
    return this.#counts[state] ?? 0;
  }

  stateOf(index: number): HostState {
    return this.#at(this.#states, index);
  }

  /** The hosts in this state. */
  indexesIn(state: HostState): number[] {
    const indexes: number[] = [];
    for (const [index, is] of this.#states.entries()) if (is === state) indexes.push(index);
    return indexes;
  }

  /** True when the host's state is its own word. */
  hasAnswered(index: number): boolean {
    return this.#at(this.#answered, index) === 1;
  }

  /** The host said what became of its part. Only its first word changes its state; later ones are counted as duplicates. */
  answer(index: number, state: HostState): Taken {
    if (this.hasAnswered(index)) {
      this.#counters.duplicateReplies++;
      return "duplicate";
    }
    if (state === HostState.QUEUED || state === HostState.NO_ANSWER) throw violation(`a host cannot answer ${state}`);
    const former = this.stateOf(index);
    // A host that was told to cancel and did confirms what is accounted; nothing about that is late. So with expiry.
    const late = former !== HostState.QUEUED && former !== state;
    this.#move(index, state);
    this.#answered[index] = 1;
    if (late) this.#counters.lateReplies++;
    return late ? "late" : "accounted";
  }

  /** The control plane stops waiting for the host. False when the host is not queued any more. */
  close(index: number, state: ClosedState): boolean {
    if (this.stateOf(index) !== HostState.QUEUED) return false;
    this.#move(index, state);
    return true;
  }

  /** Puts back what was stored, in the order in which it came; a host's own word is the last. */
  restore(index: number, state: HostState, answered: boolean): void {
    if (this.hasAnswered(index)) throw violation(`target ${index} is restored twice`);
    this.#move(index, state);
    this.#answered[index] = answered ? 1 : 0;
  }

  /** A reply that cannot be accounted: wrong digest, no target, no known outcome. */
  countInvalid(replies = 1): void {
    this.#counters.invalidReplies += replies;
  }

  /** Counts again from the hosts' own states. Throws when the identity does not hold. */
  verify(): void {
    const counted = new Uint32Array(this.#counts.length);
    for (const state of this.#states) counted[state] = (counted[state] ?? 0) + 1;
    for (const state of states) {
      if (counted[state] === this.count(state)) continue;
      throw violation(`${HostState[state]} is ${counted[state]}, not ${this.count(state)}`);
    }
  }

  toMessage(): Accounting {
    const { duplicateReplies, lateReplies, invalidReplies } = this.#counters;
    return create(AccountingSchema, { ...this.counts(), duplicateReplies, lateReplies, invalidReplies });
  }

  counts(): StateCounts {
    return {
      targeted: this.targeted,
      ok: this.count(HostState.OK),
      failed: this.count(HostState.FAILED),
      denied: this.count(HostState.DENIED),
      expired: this.count(HostState.EXPIRED),
      queued: this.queued,
      cancelled: this.count(HostState.CANCELLED),
      noAnswer: this.count(HostState.NO_ANSWER),
      indeterminate: this.count(HostState.INDETERMINATE),
    };
  }

  // One host leaves one state and enters another, so the sum stays what it is; a state that held nobody cannot be left. A state that
  // the control plane gave gives way to the host's own word.
  #move(index: number, to: HostState): void {
    const from = this.stateOf(index);
    if (!isState.has(to)) throw violation(`${to} is no state of a host`);
    if (this.#answered[index] === 1)
      throw violation(`target ${index} cannot go from ${HostState[from]} to ${HostState[to]}`);
    if (this.count(from) === 0) throw violation(`target ${index} is ${HostState[from]} and nobody is counted as that`);
    this.#states[index] = to;
    this.#counts[from] = this.count(from) - 1;
    this.#counts[to] = this.count(to) + 1;
  }

  #at(array: Uint8Array, index: number): number {
    const value = array[index];
    if (value === undefined) throw violation(`there is no target ${index} of ${this.targeted}`);
    return value;
  }
}

function violation(what: string): Error {
  return new Error(`accounting identity violated: ${what}`);
}
