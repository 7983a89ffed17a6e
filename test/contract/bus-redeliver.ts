// Messages whose handlers failed, and subscribers that went away.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bus, BusOptions } from "../../services/bus/bus.js";
import { waitFor } from "../shared/wait-for.js";
import type { OpenBusUnderTest } from "./bus.js";
import { all, collect, numberOf, numbers, publishAll } from "./bus-messages.js";

/** Registers this part of the suite. */
export function testRedelivery(open: OpenBusUnderTest): void {
  let bus: Bus;

  async function openForTest(options?: BusOptions): Promise<Bus> {
    bus = await open(options);
    return bus;
  }

  describe("redelivery", () => {
    test("what a handler rejects comes again, and nothing overtakes it", async () => {
      await openForTest();
      const calls: [value: number, attempt: number][] = [];
      await bus.subscribe({ ...all, group: "g" }, async (message) => {
        calls.push([numberOf(message), message.attempt]);
        if (numberOf(message) === 1 && message.attempt < 3) throw new Error("not yet");
      });
      await publishAll(bus, [0, 1, 2], () => "k");
      await waitFor(() => calls.length === 5, "five calls");
      expect(calls.map(String)).toEqual(["0,1", "1,1", "1,2", "1,3", "2,1"]);
      await waitFor(() => bus.counters().delivered === 3, "three delivered");
      expect(bus.counters().rejected).toBe(2);
    });

    test("what a subscriber leaves unfinished goes to the next of its group, and nothing before it", async () => {
      await openForTest();
      await publishAll(bus, numbers(5), () => "k");
      const seen: number[] = [];
      let reject: (reason: Error) => void = () => undefined;
      const first = await bus.subscribe({ ...all, group: "g" }, (message) => {
        seen.push(numberOf(message));
        if (numberOf(message) < 2) return Promise.resolve();
        return new Promise((_, fail) => {
          reject = fail;
        });
      });
      await waitFor(() => seen.length === 3, "the third message");
      const closed = first.close();
      reject(new Error("stopped"));
      await closed;
      expect(seen).toEqual([0, 1, 2]);
      const second = await collect(bus, { ...all, group: "g" });
      expect((await second.count(3)).map(numberOf)).toEqual([2, 3, 4]);
    });

    test("close waits for the handler that runs, whose message is then done", async () => {
      await openForTest();
      let finish: (() => void) | undefined;
      let finished = false;
      const first = await bus.subscribe({ ...all, group: "g" }, async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        finished = true;
      });
      await publishAll(bus, [1], () => "k");
      await waitFor(() => finish !== undefined, "the handler's start");
      const closed = first.close();
      finish?.();
      await closed;
      expect(finished).toBe(true);
      const second = await collect(bus, { ...all, group: "g" });
      await publishAll(bus, [2], () => "k");
      expect((await second.count(1)).map(numberOf)).toEqual([2]);
    });

    test("maxInFlight handlers run at one time, not more, and the oldest unfinished one is the position", async () => {
      await openForTest();
      await publishAll(bus, numbers(6), () => "k");
      const releases = new Map<number, (outcome: "done" | "failed") => void>();
      let most = 0;
      const first = await bus.subscribe({ ...all, group: "g", maxInFlight: 3 }, (message) => {
        return new Promise((resolve, reject) => {
          releases.set(numberOf(message), (outcome) => {
            releases.delete(numberOf(message));
            outcome === "done" ? resolve() : reject(new Error("stopped"));
          });
          most = Math.max(most, releases.size);
        });
      });
      await waitFor(() => releases.size === 3, "three handlers");
      releases.get(1)?.("done");
      releases.get(2)?.("done");
      await waitFor(() => releases.has(3) && releases.has(4), "two more handlers");
      const closed = first.close();
      for (const release of [...releases.values()]) release("failed");
      await closed;
      expect(most).toBe(3);
      const second = await collect(bus, { ...all, group: "g" });
      // Those that were done behind the oldest unfinished one may come again.
      const hasCome = (value: number) => second.messages.some((message) => numberOf(message) === value);
      await waitFor(() => [0, 3, 4, 5].every(hasCome), "what was left");
    });

    test("property: whatever handlers reject, each message is done once per success and in order", async () => {
      const schedule = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(schedule, async (rejections) => {
          const own = await open();
          const done: number[] = [];
          await own.subscribe({ ...all, group: "g" }, async (message) => {
            if (message.attempt <= (rejections[numberOf(message)] ?? 0)) throw new Error("as scheduled");
            done.push(numberOf(message));
          });
          await publishAll(own, numbers(rejections.length), () => "k");
          await waitFor(() => done.length >= rejections.length, "all messages");
          await own.close();
          expect(done).toEqual(numbers(rejections.length));
        }),
        { numRuns: 10 },
      );
    });
  });
}
