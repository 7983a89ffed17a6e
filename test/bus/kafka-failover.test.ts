// A cluster of three that has just lost a broker, and those who begin at that moment.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Bus, Topic } from "../../services/bus/bus.js";
import { type OpenBusOptions, openBus } from "../../services/bus/open-bus.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import { collect, numbers, publishAll, sortedValues } from "../contract/bus-messages.js";
import { testLog } from "../daemon/test-path.js";
import { foreignBrokers, type Kafka, startKafka } from "../kafka/start-kafka.js";
import { closeAtEnd, closeOpened } from "./bus-server.js";

const clusterTimeoutMs = 180_000;

describe.skipIf(foreignBrokers)("a broker of three that was just killed", () => {
  let kafka: Kafka;
  const fleetId = randomUUID();
  const open = (options: Partial<OpenBusOptions> = {}) =>
    openBus({ kind: "kafka", brokers: kafka.brokers, fleetId, log: testLog, ...options });

  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3 });
    const bus = await open();
    await publishAll(bus, numbers(60), (value) => `key ${value}`);
    await bus.close();
  }, clusterTimeoutMs);
  afterEach(closeOpened);
  afterAll(() => kafka.stop());

  test(
    "is waited for by whoever opens and subscribes, and all messages are there",
    async () => {
      await kafka.kill(0);
      const bus = closeAtEnd(await open());
      const received = await collect(bus, { topic: "commands", group: "g", from: "earliest", alone: true });
      expect(sortedValues(await received.count(60))).toEqual(numbers(60));
      await kafka.restart(0);
    },
    clusterTimeoutMs,
  );

  test(
    "makes attempts without patience UNREACHABLE until others lead, and the bus leaves no connection behind",
    async () => {
      const before = countSockets();
      const bus = await open({ patienceMs: 0 });
      await kafka.kill(1);
      let refused = 0;
      for (const topic of ["commands", "replies", "presence"] as const) {
        while (!(await canSubscribe(bus, topic))) refused++;
      }
      expect(refused).toBeGreaterThan(0);
      await bus.close();
      expect(countSockets()).toBe(before);
    },
    clusterTimeoutMs,
  );
});

async function canSubscribe(bus: Bus, topic: Topic): Promise<boolean> {
  try {
    await bus.subscribe({ topic, group: "all", from: "earliest", alone: true }, async () => undefined);
    return true;
  } catch (error) {
    expect(hasReason(error, ErrorReason.UNREACHABLE), String(error)).toBe(true);
    await sleep(100);
    return false;
  }
}

function countSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}
