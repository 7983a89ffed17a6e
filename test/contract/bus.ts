// What every Bus promises. Each implementation runs this suite unchanged, over topics of its own for every test.
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Bus,
  type BusOptions,
  type IncomingMessage,
  maxMessageBytes,
  type SubscribeOptions,
} from "../../services/bus/bus.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import { waitFor } from "../shared/wait-for.js";
import {
  byPartition,
  bytes,
  collect,
  expectReason,
  numberOf,
  numbers,
  publishAll,
  sortedValues,
} from "./bus-messages.js";

/** Opens a bus over empty topics. */
export type OpenBusUnderTest = (options?: BusOptions) => Promise<Bus>;

const all: Pick<SubscribeOptions, "topic" | "from"> = { topic: "commands", from: "earliest" };

/** Registers the suite. */
export function testBusContract(kind: string, open: OpenBusUnderTest): void {
  describe(`bus contract: ${kind}`, () => {
    let bus: Bus;
    const openedBuses: Bus[] = [];

    async function openForTest(options?: BusOptions): Promise<Bus> {
      bus = await open(options);
      openedBuses.push(bus);
      return bus;
    }

    afterEach(async () => {
      await Promise.all(openedBuses.splice(0).map((opened) => opened.close()));
    });

    describe("publishing", () => {
      test("offsets of a partition grow by one", async () => {
        await openForTest();
        const places = await publishAll(bus, numbers(60), (value) => `key ${value % 7}`);
        for (const offsets of byPartition(places).values()) {
          expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] as bigint) + BigInt(index)));
        }
        expect(bus.counters().published).toBe(60);
      });

      test("one key stays in one partition, many keys spread", async () => {
        await openForTest();
        const same = await publishAll(bus, numbers(20), () => "one key");
        expect(new Set(same.map(({ partition }) => partition)).size).toBe(1);
        const spread = await publishAll(bus, numbers(40), (value) => `key ${value}`);
        expect(new Set(spread.map(({ partition }) => partition)).size).toBe(bus.partitions("commands"));
      });

      test("a named partition is taken", async () => {
        await openForTest();
        const place = await bus.publish("replies", { key: "k", value: bytes(1), partition: 3 });
        expect(place.partition).toBe(3);
      });

      test("a partition that is not there is INVALID_ARGUMENT", async () => {
        await openForTest();
        const partition = bus.partitions("replies");
        await expectReason(
          bus.publish("replies", { key: "k", value: bytes(1), partition }),
          ErrorReason.INVALID_ARGUMENT,
        );
      });

      test("the largest message passes, one byte more is TOO_LARGE and counted", async () => {
        await openForTest();
        const received = collect(bus, { ...all, group: "g" });
        await bus.publish("commands", { key: "k", value: new Uint8Array(maxMessageBytes).fill(7) });
        const tooLarge = bus.publish("commands", { key: "k", value: new Uint8Array(maxMessageBytes + 1) });
        await expectReason(tooLarge, ErrorReason.TOO_LARGE);
        expect(bus.counters().refusedTooLarge).toBe(1);
        const messages = await (await received).count(1);
        expect(Buffer.from(messages[0]?.value ?? []).equals(Buffer.alloc(maxMessageBytes, 7))).toBe(true);
      });

      test("a burst beyond the queue is BUSY and counted; what was taken arrives", async () => {
        await openForTest({ queue: { messages: 50, bytes: 1024 * 1024 } });
        const received = await collect(bus, { ...all, group: "g" });
        const results = await Promise.allSettled(
          numbers(2_000).map((value) => bus.publish("commands", { key: "k", value: bytes(value) })),
        );
        const refused = results.filter((result) => result.status === "rejected");
        expect(refused.length).toBeGreaterThan(0);
        expect(refused.every(({ reason }) => hasReason(reason, ErrorReason.BUSY))).toBe(true);
        expect(bus.counters().refusedBusy).toBe(refused.length);
        const taken = numbers(2_000).filter((value) => results[value]?.status === "fulfilled");
        expect((await received.count(taken.length)).map(numberOf)).toEqual(taken);
        await bus.publish("commands", { key: "k", value: bytes(9_999) });
        await received.count(taken.length + 1);
      });

      test("a closed bus refuses", async () => {
        await openForTest();
        await bus.close();
        await expectReason(bus.publish("commands", { key: "k", value: bytes(1) }), ErrorReason.UNREACHABLE);
        await expectReason(
          bus.subscribe({ ...all, group: "g" }, async () => undefined),
          ErrorReason.UNREACHABLE,
        );
      });
    });

    describe("delivery", () => {
      test("key, value, headers, expiry and place arrive as published", async () => {
        await openForTest();
        const received = await collect(bus, { ...all, group: "g" });
        const expiresAtMs = Date.now() + 60_000;
        const sent = { key: "ключ", value: bytes(5), headers: { traceparent: "00-1-2-03" }, expiresAtMs };
        const place = await bus.publish("commands", sent);
        const [message] = await received.count(1);
        expect(message).toMatchObject({ key: sent.key, headers: sent.headers, expiresAtMs, attempt: 1, ...place });
        expect(numberOf(message as IncomingMessage)).toBe(5);
      });

      test("messages of a partition come in order", async () => {
        await openForTest();
        const received = await collect(bus, { ...all, group: "g" });
        await publishAll(bus, numbers(300), (value) => `key ${value % 10}`);
        for (const offsets of byPartition(await received.count(300)).values()) {
          expect(offsets).toEqual([...offsets].sort((a, b) => Number(a - b)));
        }
      });

      test("every group sees every message", async () => {
        await openForTest();
        const [one, two] = await Promise.all([
          collect(bus, { ...all, group: "1" }),
          collect(bus, { ...all, group: "2" }),
        ]);
        await publishAll(bus, numbers(50), String);
        expect(sortedValues(await one.count(50))).toEqual(numbers(50));
        expect(sortedValues(await two.count(50))).toEqual(numbers(50));
      });

      test("members of a group share the partitions: each message goes to one of them", async () => {
        await openForTest();
        const one = await collect(bus, { ...all, group: "g" });
        const two = await collect(bus, { ...all, group: "g" });
        await publishAll(bus, numbers(100), String);
        await waitFor(() => one.messages.length + two.messages.length >= 100, "100 messages in two members");
        expect(sortedValues([...one.messages, ...two.messages])).toEqual(numbers(100));
        expect(one.messages.length).toBeGreaterThan(0);
        expect(two.messages.length).toBeGreaterThan(0);
      });

      test("a fixed partition brings that partition alone", async () => {
        await openForTest();
        const received = await collect(bus, { topic: "replies", group: "owner", partition: 2, from: "earliest" });
        for (const partition of [0, 1, 2, 3, 2]) {
          await bus.publish("replies", { key: "k", value: bytes(partition), partition });
        }
        expect((await received.count(2)).map(numberOf)).toEqual([2, 2]);
        await bus.publish("replies", { key: "k", value: bytes(77), partition: 2 });
        expect((await received.count(3)).map(numberOf)).toEqual([2, 2, 77]);
      });

      test("latest begins behind what is there, earliest before it", async () => {
        await openForTest();
        await publishAll(bus, [1, 2], () => "k");
        const late = await collect(bus, { topic: "commands", group: "late", from: "latest" });
        const early = await collect(bus, { topic: "commands", group: "early", from: "earliest" });
        await publishAll(bus, [3], () => "k");
        expect((await early.count(3)).map(numberOf)).toEqual([1, 2, 3]);
        expect((await late.count(1)).map(numberOf)).toEqual([3]);
      });

      test("expired messages are skipped and counted, the others come", async () => {
        await openForTest();
        const soon = Date.now() + 50;
        await bus.publish("commands", { key: "k", value: bytes(1), expiresAtMs: Date.now() - 1 });
        await bus.publish("commands", { key: "k", value: bytes(2), expiresAtMs: soon });
        await bus.publish("commands", { key: "k", value: bytes(3), expiresAtMs: Date.now() + 60_000 });
        await waitFor(() => Date.now() > soon, "the second message's expiry");
        const received = await collect(bus, { ...all, group: "g" });
        await bus.publish("commands", { key: "k", value: bytes(4) });
        expect((await received.count(2)).map(numberOf)).toEqual([3, 4]);
        expect(bus.counters().expired).toBe(2);
      });
    });

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
        await waitFor(() => new Set(second.messages.map(numberOf)).size >= 4, "what was left");
        const again = new Set(second.messages.map(numberOf));
        expect([0, 3, 4, 5].every((value) => again.has(value))).toBe(true);
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
      await waitFor(
        () => [...newest().values()].filter((value) => value >= 180).length === 20,
        "the newest of each key",
      );
      await bus.publish("presence", { key: keys[0] as string, value: bytes(999) });
      await waitFor(() => newest().get(keys[0] as string) === 999, "an update");
    });
  });
}
