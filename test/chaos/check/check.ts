// What every check is: a promise in words, and a function that finds where a history breaks it.
import type { EpochHistory, Violation } from "../history.js";

export interface Check {
  /** The promise, as reports name it. */
  readonly name: string;
  find(history: EpochHistory): Iterable<Omit<Violation, "check">>;
}
