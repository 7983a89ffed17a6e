// The newest events of a capture, undecoded until they are shown, and how many of each kind were delivered.
import { type CaptureEvent, decodeEvent } from "../capture/decode-event.js";
import { EventCursor } from "../capture/event-cursor.js";

/** A batch, and which of its events, counted from its first, may still be among the newest. */
interface KeptBatch {
  readonly bytes: ArrayBuffer;
  readonly events: number;
}

export class Tail {
  readonly #keep: number;
  readonly #delivered = new Map<number, number>();
  #batches: KeptBatch[] = [];
  #kept = 0;

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Counts the events of a batch, by kind. */
  take(bytes: ArrayBuffer): void {
    const cursor = new EventCursor(bytes);
    let events = 0;
    for (; cursor.next(); events++) this.#delivered.set(cursor.kind, this.deliveredOf(cursor.kind) + 1);
    this.#batches.push({ bytes, events });
    this.#kept += events;
    // Whole batches only: what is shown is cut when it is decoded.
    for (let oldest = this.#batches[0]; oldest && this.#kept - oldest.events >= this.#keep; oldest = this.#batches[0]) {
      this.#kept -= oldest.events;
      this.#batches.shift();
    }
  }

  deliveredOf(kind: number): number {
    return this.#delivered.get(kind) ?? 0;
  }

  /** The newest, oldest of them first. */
  events(): CaptureEvent[] {
    const events: CaptureEvent[] = [];
    let skip = Math.max(0, this.#kept - this.#keep);
    for (const { bytes } of this.#batches) {
      const cursor = new EventCursor(bytes);
      while (cursor.next()) {
        if (skip > 0) skip--;
        else events.push(decodeEvent(cursor));
      }
    }
    return events;
  }
}
