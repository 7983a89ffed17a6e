// Events of strace on their way to the reader, with the account of every kind. What nobody takes is dropped and counted.
import { availableParallelism } from "node:os";
import type { CaptureEvent } from "../capture/decode-event.js";
import { accountFields, type EventKind, eventKinds, type KindAccount } from "../capture/event-layout.js";
import { type Accounts, noEvents } from "../capture/open-capture.js";
import { countEvent, type EventBatch } from "../trace/event-capture.js";
import type { EventMatcher } from "./match-filter.js";
import type { EventSink, UnnumberedEvent } from "./read-events.js";
import type { StraceKind } from "./strace-kinds.js";

/** Events that may wait; strace itself is never made to. */
const mostWaiting = 16_384;
const mostPerBatch = 1_024;

type Counts = { -readonly [Field in keyof KindAccount]: KindAccount[Field] };

export class EventQueue implements EventSink {
  readonly #counts = Object.fromEntries(
    Object.keys(eventKinds).map((kind) => [kind, Object.fromEntries(accountFields.map((field) => [field, 0]))]),
  ) as unknown as Record<EventKind, Counts>;
  #waiting: CaptureEvent[] = [];
  #sequence = 0n;
  #ended = false;
  #wake: () => void = () => undefined;
  #rate = 0;
  #second = 0;
  #ofSecond = 0;
  matches: EventMatcher;

  constructor(matches: EventMatcher) {
    this.matches = matches;
  }

  /** Of each CPU; strace does not tell which one it was. */
  set eventsPerSecond(rate: number) {
    this.#rate = rate === noEvents ? noEvents : rate * availableParallelism();
  }

  onEvent(event: UnnumberedEvent): void {
    const counts = this.#counts[event.kind];
    counts.attempted++;
    if (!this.matches(event)) counts.filtered++;
    else if (this.#isBeyondRate()) counts.rateLimited++;
    else this.#submit(event, counts);
  }

  onUnreadable(kind: StraceKind): void {
    this.#counts[kind].attempted++;
    this.#counts[kind].unreadable++;
  }

  accounts(): Accounts {
    return structuredClone(this.#counts);
  }

  /** No event comes any more. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *batches(): AsyncGenerator<EventBatch> {
    for (;;) {
      if (this.#waiting.length > 0) yield new DecodedBatch(this.#waiting.splice(0, mostPerBatch));
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #submit(event: UnnumberedEvent, counts: Counts): void {
    // A gap in the numbers is an event that was not delivered.
    const sequence = this.#sequence++;
    if (this.#waiting.length >= mostWaiting) {
      counts.ringFull++;
      return;
    }
    counts.submitted++;
    this.#waiting.push({ ...event, sequence } as CaptureEvent);
    this.#wake();
  }

  #isBeyondRate(): boolean {
    if (this.#rate === 0) return false;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#ofSecond = 0;
    this.#second = second;
    return this.#ofSecond++ >= this.#rate;
  }
}

class DecodedBatch implements EventBatch {
  readonly #events: readonly CaptureEvent[];

  constructor(events: readonly CaptureEvent[]) {
    this.#events = events;
  }

  countInto(counts: Map<number, number>): number {
    for (const { kind } of this.#events) countEvent(counts, eventKinds[kind]);
    return this.#events.length;
  }

  decode(skip = 0): Iterable<CaptureEvent> {
    return this.#events.slice(skip);
  }

  keep(skip: number): EventBatch {
    return new DecodedBatch(this.#events.slice(skip));
  }
}
