// When a cluster can be used: metadata names every broker, and a group has found its coordinator.
import { Kafka, logLevel } from "kafkajs";

const pollMs = 50;

/** Resolves when the cluster answers; fails after the time with the last error. */
export async function waitUntilReady(
  brokers: readonly string[],
  brokerCount: number,
  checkAlive: () => void,
  timeoutMs = 60_000,
): Promise<void> {
  const retry = { retries: 0 };
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, connectionTimeout: 1_000, retry });
  const admin = kafka.admin();
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      try {
        await admin.connect();
        const cluster = await admin.describeCluster();
        if (cluster.brokers.length < brokerCount)
          throw new Error(`${cluster.brokers.length} of ${brokerCount} brokers`);
        await admin.fetchOffsets({ groupId: "ready" });
        return;
      } catch (error) {
        checkAlive();
        if (performance.now() > deadline) throw new Error("Kafka is not ready", { cause: error });
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    }
  } finally {
    await admin.disconnect();
  }
}
