// A capture of this product around something that happens, with every event taken into JavaScript and decoded.
import { createRequire } from "node:module";
import { decodeEvent } from "../../services/providers/linux/capture/decode-event.js";
import { EventCursor } from "../../services/providers/linux/capture/event-cursor.js";
import type { EventKind } from "../../services/providers/linux/capture/event-layout.js";
import {
  type Accounts,
  type CaptureOptions,
  noEvents,
  openCapture,
} from "../../services/providers/linux/capture/open-capture.js";
import { builtAddonPath } from "../../services/providers/linux/native.js";

/** How far events are decoded: to values with all their text, or to the numbers of their headers. */
export type Decoding = "values" | "numbers";

export interface Traced<Result> {
  readonly result: Result;
  /** Decoded. */
  readonly events: number;
  /** Of all threads of this process, from before the first event until the capture is closed: with the start of what is traced. */
  readonly cpuNs: number;
}

/** Throws when an event was lost, or did not arrive: such a run measures something else. */
export async function traceWhile<Result>(
  options: CaptureOptions,
  decoding: Decoding,
  action: () => Promise<Result>,
): Promise<Traced<Result>> {
  const capture = await openCapture(createRequire(import.meta.url)(builtAddonPath()), options);
  const before = process.cpuUsage();
  const reading = decoding === "values" ? takeValues(capture.batches) : takeNumbers(capture.batches);
  let result: Result;
  try {
    result = await action();
  } finally {
    // Whatever became of it.
    capture.setEventsPerSecond(noEvents);
  }
  const accounts = await capture.close();
  const events = await reading;
  const { user, system } = process.cpuUsage(before);
  checkAccounts(options.kinds, accounts, events);
  return { result, events, cpuNs: 1000 * (user + system) };
}

function checkAccounts(kinds: readonly EventKind[], accounts: Accounts, events: number): void {
  const sum = (field: "ringFull" | "noScratch" | "submitted") =>
    kinds.reduce((total, kind) => total + accounts[kind][field], 0);
  const lost = sum("ringFull") + sum("noScratch");
  if (lost > 0) throw new Error(`${lost} events were lost, and ${events} came`);
  if (events !== sum("submitted")) throw new Error(`${sum("submitted")} events were sent, and ${events} came`);
}

async function takeValues(batches: AsyncIterable<Uint8Array>): Promise<number> {
  let events = 0;
  for await (const batch of batches) {
    const cursor = new EventCursor(batch);
    for (; cursor.next(); events++) decodeEvent(cursor);
  }
  return events;
}

async function takeNumbers(batches: AsyncIterable<Uint8Array>): Promise<number> {
  let events = 0;
  let digest = 0;
  for await (const batch of batches) {
    const cursor = new EventCursor(batch);
    for (; cursor.next(); events++) digest = (digest + cursor.kind + cursor.pid + cursor.tid + cursor.user) | 0;
  }
  // Looked at, so that none of it can be left out.
  return digest === Number.MAX_SAFE_INTEGER ? 0 : events;
}
