// Messages of bus.ts as messages of Kafka, both ways.
import type { IHeaders, KafkaMessage, Message } from "kafkajs";
import type { IncomingMessage, OutgoingMessage } from "../bus.js";

const expiryHeader = "systems-manager-expires-at-ms";

/** For a partition that was chosen. */
export function toKafkaMessage({ key, value, headers, expiresAtMs }: OutgoingMessage, partition: number): Message {
  const all = expiresAtMs === undefined ? headers : { ...headers, [expiryHeader]: String(expiresAtMs) };
  // A view, no copy. An empty value takes what a compacted topic keeps of its key away, which Kafka calls null.
  const buffer = value.byteLength === 0 ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { key, value: buffer, partition, ...(all ? { headers: all as IHeaders } : {}) };
}

/** Without the attempt, which the delivery counts. */
export function fromKafkaMessage(message: KafkaMessage, partition: number): Omit<IncomingMessage, "attempt"> {
  const { [expiryHeader]: expiry, ...headers } = textsOf(message.headers);
  return {
    partition,
    offset: BigInt(message.offset),
    key: message.key?.toString() ?? "",
    value: message.value ?? new Uint8Array(),
    headers,
    ...(expiry === undefined ? {} : { expiresAtMs: Number(expiry) }),
  };
}

function textsOf(headers: IHeaders | undefined): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    // Of a name that was given twice the last one counts.
    texts[name] = String(Array.isArray(value) ? value.at(-1) : value);
  }
  return texts;
}
