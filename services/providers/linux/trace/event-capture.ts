// A running capture as sessions use it, whichever backend it has.
import type { CaptureEvent } from "../capture/decode-event.js";
import type { Accounts, CaptureFilter } from "../capture/open-capture.js";

/** Some events in the order in which they came, there until the next batch is asked for. */
export interface EventBatch {
  /** Adds its events to the counts by number of kind, without decoding them; gives how many they are. */
  countInto(counts: Map<number, number>): number;
  /** Decodes each event behind the first `skip` when it is asked for. */
  decode(skip?: number): Iterable<CaptureEvent>;
  /** The events behind the first `skip`, there for as long as anybody has them. */
  keep(skip: number): EventBatch;
}

/** Open until closed; batches that nobody takes become counted drops, and never memory. */
export interface EventCapture {
  readonly backend: "bpf" | "strace";
  /** What its reader should know by now. */
  readonly notes: readonly string[];
  /** Ends after close, when all batches were taken. One reader. */
  events(): AsyncIterable<EventBatch>;
  accounts(): Accounts;
  /** Holds for every event that begins after it returned. */
  setFilter(filter: CaptureFilter): void;
  /** Of each CPU, from now on; 0 is no limit, `noEvents` lets nothing through. */
  setEventsPerSecond(rate: number): void;
  /** Resolves with the last accounts; no event begins any more. */
  close(): Promise<Accounts>;
}

/** Adds one to the count of a kind. */
export function countEvent(counts: Map<number, number>, kind: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}
