// The events themselves: all are counted, and the newest are shown. Only these are decoded.
import { settled } from "../../../shared/settled.js";
import type { Findings, Investigation } from "../../trace/investigation.js";
import type { EventKind } from "../capture/event-layout.js";
import type { Accounts } from "../capture/open-capture.js";
import { degraderOf, describeAccounts } from "./capture-costs.js";
import type { EventCapture } from "./event-capture.js";
import { describeEvent } from "./event-line.js";
import { Surroundings, toEventMessage } from "./event-message.js";
import { Tail } from "./tail.js";

const defaultKeep = 100;

/** The capture is closed with the investigation. */
export function investigateEvents(capture: EventCapture, names: readonly EventKind[], keep: number): Investigation {
  const tail = new Tail(keep || defaultKeep);
  const surroundings = new Surroundings();
  const taking = takeAll(capture, tail);
  // Told to whoever closes it.
  void settled(taking);
  const { backend, notes } = capture;
  const describe = (accounts: Accounts): Findings => ({
    accounts: describeAccounts(names, accounts, tail.delivered),
    events: tail.events().map((event) => ({ line: describeEvent(event), event: toEventMessage(event, surroundings) })),
    notes: capture.notes.filter((note) => !notes.includes(note)),
  });
  return {
    backend,
    notes,
    read: async () => describe(capture.accounts()),
    degrade: degraderOf(capture),
    async close() {
      const accounts = await capture.close();
      await taking;
      return describe(accounts);
    },
  };
}

async function takeAll(capture: EventCapture, tail: Tail): Promise<void> {
  for await (const batch of capture.events()) tail.take(batch);
}
