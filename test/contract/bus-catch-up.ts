// Where a subscriber begins, and when it has seen everything.
import { describe, expect, test } from "vitest";
import type { Bus, BusOptions } from "../../services/bus/bus.js";
import { waitFor } from "../shared/wait-for.js";
import type { OpenBusUnderTest } from "./bus.js";
import { all, bytes, collect, numberOf, numbers, publishAll, sortedValues } from "./bus-messages.js";

/** Registers this part of the suite. */
export function testCatchingUp(open: OpenBusUnderTest): void {
  let bus: Bus;

  async function openForTest(options?: BusOptions): Promise<Bus> {
    bus = await open(options);
    return bus;
  }

  describe("catching up", () => {
    test("caughtUp resolves when what was there is handled, not before and not for what comes later", async () => {
      await openForTest();
      await publishAll(bus, numbers(20), String);
      let handled = 0;
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      let caughtUp = false;
      const subscription = await bus.subscribe({ ...all, group: "g" }, async () => {
        handled++;
        if (handled > 10) await released;
      });
      const told = subscription.caughtUp.then(() => {
        caughtUp = true;
        return handled;
      });
      await waitFor(() => handled > 10, "the first half");
      expect(caughtUp).toBe(false);
      expect(bus.gauges().subscriptions).toMatchObject([{ topic: "commands", group: "g" }]);
      expect(bus.gauges().subscriptions[0]?.behind).toBeGreaterThan(0);
      release();
      expect(await told).toBe(20);
      await waitFor(() => bus.gauges().subscriptions[0]?.behind === 0, "nothing behind");
    });

    test.each(["earliest", "latest"] as const)("caughtUp resolves on an empty topic from %s", async (from) => {
      await openForTest();
      const subscription = await bus.subscribe({ ...all, group: "g", from }, async () => undefined);
      await subscription.caughtUp;
    });

    test("caughtUp of one that has nothing left resolves, and so does that of one that closes before", async () => {
      await openForTest();
      await publishAll(bus, numbers(5), String);
      const first = await bus.subscribe({ ...all, group: "g" }, async () => undefined);
      await first.caughtUp;
      await first.close();
      await (await bus.subscribe({ ...all, group: "g" }, async () => undefined)).caughtUp;
      const failing = await bus.subscribe({ ...all, group: "other" }, () => Promise.reject(new Error("never")));
      await failing.close();
      await failing.caughtUp;
    });

    test("without keepPosition a group begins anew every time", async () => {
      await openForTest();
      await publishAll(bus, numbers(8), String);
      for (let round = 0; round < 2; round++) {
        const again = await collect(bus, { ...all, group: "g", keepPosition: false });
        await again.subscription.caughtUp;
        expect(sortedValues(again.messages)).toEqual(numbers(8));
        await again.subscription.close();
      }
      const latest = await collect(bus, { ...all, group: "g", keepPosition: false, from: "latest" });
      await latest.subscription.caughtUp;
      expect(latest.messages).toEqual([]);
      await publishAll(bus, [8], String);
      expect(sortedValues(await latest.count(1))).toEqual([8]);
    });

    test("one that is alone goes on where the one before it came to", async () => {
      await openForTest();
      await publishAll(bus, numbers(5), () => "k");
      const alone = { ...all, group: "g", alone: true };
      const first = await collect(bus, alone);
      expect((await first.count(5)).map(numberOf)).toEqual(numbers(5));
      await first.subscription.close();
      await bus.publish("commands", { key: "k", value: bytes(5) });
      const second = await collect(bus, alone);
      expect((await second.count(1)).map(numberOf)).toEqual([5]);
    });

    test("a closed subscription is no gauge any more, and nothing waits when all is durable", async () => {
      await openForTest();
      const subscription = await bus.subscribe({ ...all, group: "g" }, async () => undefined);
      await publishAll(bus, numbers(5), String);
      expect(bus.gauges().waiting).toEqual({ messages: 0, bytes: 0 });
      expect(bus.gauges().subscriptions).toHaveLength(1);
      await subscription.close();
      expect(bus.gauges().subscriptions).toEqual([]);
    });
  });

  test("a compacted topic shows a new group the newest of each key last", async () => {
    await openForTest();
    const keys = numbers(20).map((key) => `host ${key}`);
    for (const value of numbers(200)) {
      await bus.publish("presence", { key: keys[value % 20] as string, value: bytes(value) });
    }
    const received = await collect(bus, { topic: "presence", group: "new", from: "earliest" });
    const newest = () => new Map(received.messages.map((message) => [message.key, numberOf(message)]));
    await waitFor(() => [...newest().values()].filter((value) => value >= 180).length === 20, "the newest of each key");
    await bus.publish("presence", { key: keys[0] as string, value: bytes(999) });
    await waitFor(() => newest().get(keys[0] as string) === 999, "an update");
  });
}
