// The Kafka bus on a real broker: the contract, each bus with topics of its own.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import type { BusOptions } from "../../services/bus/bus.js";
import { openBus } from "../../services/bus/open-bus.js";
import { testBusContract } from "../contract/bus.js";
import { testLog } from "../daemon/test-path.js";
import { type Kafka, startKafka } from "../kafka/start-kafka.js";

let kafka: Kafka;

beforeAll(async () => {
  kafka = await startKafka();
});

afterAll(() => kafka.stop());

testBusContract("kafka", (options: BusOptions = {}) =>
  openBus({ kind: "kafka", brokers: kafka.brokers, fleetId: randomUUID(), log: testLog, ...options }),
);
