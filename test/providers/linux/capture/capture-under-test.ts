// A capture on this kernel while something happens, with all its events decoded.
import { type CaptureEvent, decodeEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import { EventCursor } from "../../../../services/providers/linux/capture/event-cursor.js";
import type { KindAccount } from "../../../../services/providers/linux/capture/event-layout.js";
import {
  type Accounts,
  type Capture,
  type CaptureOptions,
  openCapture,
} from "../../../../services/providers/linux/capture/open-capture.js";
import { addon } from "../require-tracing.js";

export { addon };

export async function captureWhile(
  options: CaptureOptions,
  action: (capture: Capture) => Promise<unknown> | unknown,
): Promise<{ events: CaptureEvent[]; accounts: Accounts }> {
  const capture = await openCapture(addon, options);
  const reading = decodeAll(capture);
  await action(capture);
  const accounts = await capture.close();
  return { events: await reading, accounts };
}

async function decodeAll({ batches }: Capture): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  for await (const batch of batches) {
    const cursor = new EventCursor(batch);
    while (cursor.next()) events.push(decodeEvent(cursor));
  }
  return events;
}

/** What a kind's attempts came to, which must be their number. */
export function sumOf({ attempted: _, ...ends }: KindAccount): number {
  return Object.values(ends).reduce((sum, count) => sum + count, 0);
}
