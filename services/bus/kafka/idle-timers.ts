// kafkajs 2.2.4 asks, after every response on every connection and then for ever, for a timer of a negative number of
// milliseconds (its request queue counts down to the end of a throttling that is not there). Node.js makes 1 ms of it: a
// thousand wake-ups a second in a process that is idle, and from Node.js 24 on a warning. Nothing waits for such a timer: a
// request that is throttled gets one of a positive time. So timers of a negative time become slow ones, in this process, from
// the first Kafka bus on. Nothing else asks for them on purpose.

const slowMs = 100;

let done = false;

/** Takes effect once. */
export function slowIdleTimers(): void {
  if (done) return;
  done = true;
  const original = globalThis.setTimeout;
  const slow = (handler: (...values: unknown[]) => void, milliseconds?: number, ...values: unknown[]) =>
    original(handler, typeof milliseconds === "number" && milliseconds < 0 ? slowMs : milliseconds, ...values);
  globalThis.setTimeout = Object.assign(slow, original) as typeof setTimeout;
}
