// A capture by the kernel's own programs.
import { type CaptureEvent, decodeEvent } from "../capture/decode-event.js";
import { EventCursor } from "../capture/event-cursor.js";
import type { CaptureAddon } from "../capture/native-capture.js";
import { type CaptureOptions, openCapture } from "../capture/open-capture.js";
import { describeUntagged } from "./describe-untagged.js";
import { countEvent, type EventBatch, type EventCapture } from "./event-capture.js";
import { describeRefusedCapture, requireCapture } from "./refused-capture.js";

/** Rejects with UNSUPPORTED or PRIVILEGE_MISSING when the kernel refuses its programs, or the addon has none. */
export async function openKernelCapture(addon: Partial<CaptureAddon>, options: CaptureOptions): Promise<EventCapture> {
  const capture = await openCapture(requireCapture(addon), options).catch((error: unknown) => {
    throw describeRefusedCapture(error, options.kinds);
  });
  // A closed capture does not tell it any more.
  let untagged: number | undefined;
  const untaggedProcesses = () => untagged ?? capture.untaggedProcesses();
  return {
    backend: "bpf",
    get notes() {
      return ["events of the daemon itself are not told", ...describeUntagged(untaggedProcesses())];
    },
    async *events() {
      for await (const batch of capture.batches) yield new RecordBatch(batch);
    },
    accounts: () => capture.accounts(),
    setFilter: (filter) => capture.setFilter(filter),
    setEventsPerSecond: (rate) => capture.setEventsPerSecond(rate),
    close() {
      untagged = untaggedProcesses();
      return capture.close();
    },
  };
}

class RecordBatch implements EventBatch {
  readonly #records: Uint8Array;

  constructor(records: Uint8Array) {
    this.#records = records;
  }

  countInto(counts: Map<number, number>): number {
    const cursor = new EventCursor(this.#records);
    let events = 0;
    for (; cursor.next(); events++) countEvent(counts, cursor.kind);
    return events;
  }

  *decode(skip = 0): Iterable<CaptureEvent> {
    const cursor = new EventCursor(this.#records);
    for (let at = 0; cursor.next(); at++) if (at >= skip) yield decodeEvent(cursor);
  }

  keep(skip: number): EventBatch {
    const cursor = new EventCursor(this.#records);
    for (let at = 0; at < skip; at++) cursor.next();
    return new RecordBatch(this.#records.slice(cursor.end));
  }
}
