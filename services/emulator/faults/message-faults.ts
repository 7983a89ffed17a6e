// What happens to messages of one direction on their way: nothing mostly; otherwise they come twice, late, or behind the next one.
import { drawTime } from "./fault-set.js";
import type { FaultyHost } from "./faulty-host.js";

// When nothing comes that could overtake it.
const longestHoldMs = 200;

/** A function that takes messages and passes them on, at once when nothing is to happen to them. */
export function createMessageFaults<Message>(host: FaultyHost, pass: (message: Message) => void) {
  let held: Message[] = [];

  function release() {
    const overtaken = held;
    held = [];
    for (const message of overtaken) pass(message);
  }

  function arrive(message: Message) {
    if (held.length === 0 && host.happens(host.faults().reorder)) {
      host.counters.faultReorders++;
      held.push(message);
      setTimeout(release, longestHoldMs).unref();
      return;
    }
    pass(message);
    if (held.length > 0) release();
  }

  function travel(message: Message) {
    const { delay } = host.faults();
    if (!delay) return arrive(message);
    host.counters.faultDelays++;
    setTimeout(() => arrive(message), drawTime(delay, host.random)).unref();
  }

  return (message: Message) => {
    travel(message);
    if (!host.happens(host.faults().duplicate)) return;
    host.counters.faultDuplicates++;
    travel(message);
  };
}
