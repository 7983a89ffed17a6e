// Answers of several hosts of a run on disk: one row for each batch in which they came, in order. A later row speaks for a host again
// when it answered after its account was closed.
import type { HostProblem } from "./run-record.js";

/** Columns of equal length; the first entry of each belongs to the first host. */
export interface AnswerRow {
  /** Indexes into the run's targets, 4 bytes each. */
  readonly hosts: Uint8Array;
  /** State of each, 1 byte; its highest bit is set when the host said so itself. */
  readonly states: Uint8Array;
  /** With OK the number of its digest, else that of its problem, 4 bytes each. */
  readonly details: Uint8Array;
  /** Milliseconds, 4 bytes each. */
  readonly durations: Uint8Array;
  /** Distinct answers, SHA-256, hexadecimal. */
  readonly digests: readonly string[];
  readonly problems: readonly HostProblem[];
}
