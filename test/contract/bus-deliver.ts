// Who gets which messages, and in what order.
import { describe, expect, test } from "vitest";
import type { Bus, BusOptions, IncomingMessage } from "../../services/bus/bus.js";
import { waitFor } from "../shared/wait-for.js";
import type { OpenBusUnderTest } from "./bus.js";
import { all, byPartition, bytes, collect, numberOf, numbers, publishAll, sortedValues } from "./bus-messages.js";

/** Registers this part of the suite. */
export function testDelivery(open: OpenBusUnderTest): void {
  let bus: Bus;

  async function openForTest(options?: BusOptions): Promise<Bus> {
    bus = await open(options);
    return bus;
  }

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
}
