// The newest events of a capture, undecoded until they are shown, and how many of each kind were delivered.
import type { CaptureEvent } from "../capture/decode-event.js";
import type { EventBatch } from "./event-capture.js";

/** A batch, and how many events it has. */
interface KeptBatch {
  readonly batch: EventBatch;
  readonly events: number;
}

export class Tail {
  readonly #keep: number;
  /** By number of kind. */
  readonly delivered = new Map<number, number>();
  #batches: KeptBatch[] = [];
  #kept = 0;

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Counts the events of a batch, by kind. */
  take(batch: EventBatch): void {
    const taken = batch.countInto(this.delivered);
    const events = Math.min(taken, this.#keep);
    this.#batches.push({ batch: batch.keep(taken - events), events });
    this.#kept += events;
    // Whole batches only: what is shown is cut when it is decoded.
    for (let oldest = this.#batches[0]; oldest && this.#kept - oldest.events >= this.#keep; oldest = this.#batches[0]) {
      this.#kept -= oldest.events;
      this.#batches.shift();
    }
  }

  /** The newest, oldest of them first. */
  events(): CaptureEvent[] {
    let skip = Math.max(0, this.#kept - this.#keep);
    return this.#batches.flatMap(({ batch, events }) => {
      const decoded = [...batch.decode(Math.min(skip, events))];
      skip -= Math.min(skip, events);
      return decoded;
    });
  }
}
