// All events of a capture, decoded for one reader when that takes them.
import type { EventStream } from "../../trace/investigation.js";
import { type EventKind, eventKinds } from "../capture/event-layout.js";
import type { Accounts } from "../capture/open-capture.js";
import { degraderOf, describeAccounts } from "./capture-costs.js";
import { countEvent, type EventCapture } from "./event-capture.js";
import { type EventMessage, Surroundings, toEventMessage } from "./event-message.js";

/** Well below the 4 MiB that stock gRPC clients take as one message. */
const mostAtOnce = 1_000;

/** The capture is closed with the stream. */
export function streamEvents(capture: EventCapture, names: readonly EventKind[], eventsPerSecond: number): EventStream {
  const delivered = new Map<number, number>();
  const surroundings = new Surroundings();
  let last: Accounts | undefined;
  const read = async () => ({ accounts: describeAccounts(names, last ?? capture.accounts(), delivered) });
  return {
    backend: capture.backend,
    notes: capture.notes,
    read,
    degrade: degraderOf(capture, eventsPerSecond),
    async close() {
      last = await capture.close();
      return read();
    },
    async *batches() {
      for await (const batch of capture.events()) {
        let messages: EventMessage[] = [];
        for (const event of batch.decode()) {
          messages.push(toEventMessage(event, surroundings));
          countEvent(delivered, eventKinds[event.kind]);
          if (messages.length < mostAtOnce) continue;
          yield messages;
          messages = [];
        }
        if (messages.length > 0) yield messages;
      }
    },
  };
}
