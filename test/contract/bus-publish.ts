// What it means that a message was published.
import { describe, expect, test } from "vitest";
import { type Bus, type BusOptions, maxMessageBytes } from "../../services/bus/bus.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import type { OpenBusUnderTest } from "./bus.js";
import { all, byPartition, bytes, collect, expectReason, numberOf, numbers, publishAll } from "./bus-messages.js";

/** Registers this part of the suite. */
export function testPublishing(open: OpenBusUnderTest): void {
  let bus: Bus;

  async function openForTest(options?: BusOptions): Promise<Bus> {
    bus = await open(options);
    return bus;
  }

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
}
