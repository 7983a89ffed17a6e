// What brokers say for a moment after a topic was created or moved, and not for long.
import { setTimeout as sleep } from "node:timers/promises";
// Node.js finds kafkajs's error classes only through its default export.
import kafkajs from "kafkajs";

const { KafkaJSError, KafkaJSProtocolError } = kafkajs;

const patienceMs = 10_000;
const pollMs = 25;

const transientTypes: ReadonlySet<string> = new Set([
  "UNKNOWN_TOPIC_OR_PARTITION",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "REPLICA_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "GROUP_LOAD_IN_PROGRESS",
]);

/** Runs it until it does not fail with one of these, for some seconds at most. */
export async function retryTransient<Result>(run: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isTransient(error) || performance.now() > deadline) throw error;
    }
    await sleep(pollMs);
  }
}

function isTransient(error: unknown): boolean {
  if (error instanceof KafkaJSProtocolError) return transientTypes.has(error.type);
  return error instanceof KafkaJSError && isTransient(error.cause);
}
