// The harness itself: what the Kafka tests stand on.
import { existsSync } from "node:fs";
import { Kafka as Client, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { waitFor } from "../shared/wait-for.js";
import { foreignBrokers, type Kafka, startKafka } from "./start-kafka.js";

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

async function listTopics(kafka: Kafka): Promise<string[]> {
  const admin = new Client({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

test.skipIf(foreignBrokers)(
  "a broker starts, restarts over its data, is killed, and stops without a trace",
  async () => {
    const kafka = await startKafka();
    const before = kafka.pids();
    expect(before.map(isAlive)).toEqual([true]);
    expect(await listTopics(kafka)).toEqual(["__consumer_offsets"]);
    await kafka.restart();
    expect(kafka.pids()).not.toEqual(before);
    expect(await listTopics(kafka)).toEqual(["__consumer_offsets"]);
    await kafka.kill();
    expect(kafka.pids()).toEqual([]);
    await kafka.stop();
    expect(existsSync(kafka.dataDirectory)).toBe(false);
    await waitFor(() => !before.some(isAlive), "its end");
  },
  120_000,
);
