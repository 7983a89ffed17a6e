// Messages that hold numbers, and what to do with them in the bus contract.
import { expect } from "vitest";
import type { Bus, IncomingMessage, SubscribeOptions, Topic } from "../../services/bus/bus.js";
import { type ErrorReason, hasReason } from "../../services/shared/errors.js";
import { waitFor } from "../shared/wait-for.js";

/** Commands from the first one on. */
export const all: Pick<SubscribeOptions, "topic" | "from"> = { topic: "commands", from: "earliest" };

/** Subscribes and keeps what comes. */
export async function collect(bus: Bus, options: SubscribeOptions) {
  const messages: IncomingMessage[] = [];
  const subscription = await bus.subscribe(options, async (message) => {
    messages.push(message);
  });
  return {
    messages,
    subscription,
    async count(count: number): Promise<IncomingMessage[]> {
      await waitFor(() => messages.length >= count, `${count} messages in group ${options.group}`, 30_000);
      return messages;
    },
  };
}

/** Publishes one message per number, all at once. */
export function publishAll(bus: Bus, values: number[], keyOf: (value: number) => string, topic: Topic = "commands") {
  return Promise.all(values.map((value) => bus.publish(topic, { key: keyOf(value), value: bytes(value) })));
}

/** The promise must reject with this reason. */
export async function expectReason(promise: Promise<unknown>, reason: ErrorReason): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (rejection: unknown) => rejection,
  );
  expect(error).toBeDefined();
  expect(hasReason(error, reason), String(error)).toBe(true);
}

/** Offsets of each partition, in the order given. */
export function byPartition(places: readonly { partition: number; offset: bigint }[]): Map<number, bigint[]> {
  const offsets = new Map<number, bigint[]>();
  for (const { partition, offset } of places) offsets.set(partition, [...(offsets.get(partition) ?? []), offset]);
  return offsets;
}

/** 0, 1, 2 …, so many. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** A message value that holds a number. */
export function bytes(value: number): Uint8Array {
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32BE(value);
  return encoded;
}

/** The number that a message holds. */
export function numberOf(message: IncomingMessage): number {
  return Buffer.from(message.value).readUInt32BE();
}

/** The numbers that messages hold, sorted. */
export function sortedValues(messages: readonly IncomingMessage[]): number[] {
  return messages.map(numberOf).sort((a, b) => a - b);
}
