// What replies that came together change in a run.

/** What became of replies. */
export interface RepliesTaken {
  accounted: number;
  late: number;
  duplicate: number;
  invalid: number;
}

/** Hosts whose states changed together, and the answers that are new with them. */
export interface Changes {
  readonly indexes: number[];
  /** Whether one has another state now; a host can also confirm the one that it was given. */
  moved: boolean;
  readonly bodies: Map<string, Uint8Array>;
  readonly taken: RepliesTaken;
}

export function noChanges(): Changes {
  return { indexes: [], moved: false, bodies: new Map(), taken: { accounted: 0, late: 0, duplicate: 0, invalid: 0 } };
}
