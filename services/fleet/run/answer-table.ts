// What the hosts of a run answered, in columns: a few bytes for each host, each distinct answer and problem once.
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { RunAccount } from "./accounting.js";
import type { AnswerRow } from "./answer-row.js";
import type { HostAnswer, HostProblem } from "./run-record.js";

/** A duration that is not known. */
export const noDuration = 0xffff_ffff;
const nothing = 0xffff_ffff;
/** In a stored state: the host said so itself. */
const answeredBit = 0x80;

/** Beside each host's state in the account: which answer or problem it has, and how long it took. */
export class AnswerTable {
  readonly #account: RunAccount;
  /** Numbers in `digests` with OK, in `problems` with every other state. */
  readonly #details: Uint32Array;
  readonly #durations: Uint32Array;
  readonly #digests: string[] = [];
  readonly #digestNumbers = new Map<string, number>();
  readonly #problems: HostProblem[] = [];
  readonly #problemNumbers = new Map<HostProblem, number>();

  constructor(account: RunAccount) {
    this.#account = account;
    this.#details = new Uint32Array(account.targeted).fill(nothing);
    this.#durations = new Uint32Array(account.targeted).fill(noDuration);
  }

  /** Number of an answer's digest; a new one when it is not known yet. */
  digestNumber(digest: string): number {
    return numberOf(digest, this.#digests, this.#digestNumbers);
  }

  /** Number of a problem; equal ones should be the same object. */
  problemNumber(problem: HostProblem): number {
    return numberOf(problem, this.#problems, this.#problemNumbers);
  }

  /** The host's state is the account's; this is the rest. */
  set(index: number, detail: number, durationMs: number): void {
    this.#details[index] = detail;
    this.#durations[index] = durationMs;
  }

  /** Number of the digest that an OK host answered with. */
  detailOf(index: number): number {
    return this.#details[index] ?? nothing;
  }

  answerOf(index: number): HostAnswer {
    const state = this.#account.stateOf(index);
    const isOk = state === HostState.OK;
    const detail = this.detailOf(index);
    const digest = isOk ? this.#digests[detail] : undefined;
    const problem = isOk ? undefined : this.#problems[detail];
    const durationMs = this.#durations[index] ?? noDuration;
    return {
      state,
      answered: this.#account.hasAnswered(index),
      ...(digest === undefined ? {} : { digest }),
      ...(problem === undefined ? {} : { problem }),
      ...(durationMs === noDuration ? {} : { durationMs }),
    };
  }

  /** The distinct answers, each with the indexes of the hosts that are OK with it, ascending. */
  groups(): { digest: string; hosts: number[] }[] {
    const groups = this.#digests.map((digest) => ({ digest, hosts: [] as number[] }));
    for (let index = 0; index < this.#details.length; index++) {
      if (this.#account.stateOf(index) === HostState.OK) groups[this.detailOf(index)]?.hosts.push(index);
    }
    return groups.filter(({ hosts }) => hosts.length > 0);
  }

  /** The present answers of these hosts, to be stored. */
  toRow(indexes: Iterable<number>): AnswerRow {
    const hosts = Uint32Array.from(indexes);
    const columns = {
      states: new Uint8Array(hosts.length),
      details: new Uint32Array(hosts.length),
      durations: new Uint32Array(hosts.length),
    };
    const digests = new Map<number, number>();
    const problems = new Map<number, number>();
    for (const [row, index] of hosts.entries()) {
      const state = this.#account.stateOf(index);
      const numbers = state === HostState.OK ? digests : problems;
      const detail = this.detailOf(index);
      const number = numbers.get(detail) ?? numbers.size;
      numbers.set(detail, number);
      columns.states[row] = state | (this.#account.hasAnswered(index) ? answeredBit : 0);
      columns.details[row] = number;
      columns.durations[row] = this.#durations[index] ?? noDuration;
    }
    return {
      hosts: bytesOf(hosts),
      states: columns.states,
      details: bytesOf(columns.details),
      durations: bytesOf(columns.durations),
      digests: [...digests.keys()].map((number) => this.#digests[number] as string),
      problems: [...problems.keys()].map((number) => this.#problems[number] as HostProblem),
    };
  }

  /** Puts a stored row back, into the account too. */
  restore(row: AnswerRow): void {
    const details = wordsOf(row.details);
    const durations = wordsOf(row.durations);
    const digests = row.digests.map((digest) => this.digestNumber(digest));
    const problems = row.problems.map((problem) => this.problemNumber(problem));
    for (const [at, index] of wordsOf(row.hosts).entries()) {
      const stored = row.states[at] ?? 0;
      const state: HostState = stored & ~answeredBit;
      this.#account.restore(index, state, (stored & answeredBit) !== 0);
      const numbers = state === HostState.OK ? digests : problems;
      this.set(index, numbers[details[at] ?? nothing] ?? nothing, durations[at] ?? noDuration);
    }
  }
}

function numberOf<Value>(value: Value, values: Value[], numbers: Map<Value, number>): number {
  const known = numbers.get(value);
  if (known !== undefined) return known;
  numbers.set(value, values.length);
  return values.push(value) - 1;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

// A stored column may begin anywhere in the buffer it was read with; words must be aligned.
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
