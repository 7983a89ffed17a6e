// Messages of bus.ts as messages of BusService, both ways.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type DeliveredMessage,
  type DeliveredMessageSchema,
  type PublishedMessage,
  PublishedMessageSchema,
  type SubscribeOptionsSchema,
  StartPosition as WireStartPosition,
  type SubscribeOptions as WireSubscribeOptions,
  Topic as WireTopic,
} from "../gen/systemsmanager/bus/v1/bus_service_pb.js";
import type { IncomingMessage, OutgoingMessage, SubscribeOptions, Topic } from "./bus.js";

const wireTopics: Readonly<Record<Topic, WireTopic>> = {
  commands: WireTopic.COMMANDS,
  replies: WireTopic.REPLIES,
  presence: WireTopic.PRESENCE,
};

/** All topics. */
export const topics = Object.keys(wireTopics) as readonly Topic[];

export function toWireTopic(topic: Topic): WireTopic {
  return wireTopics[topic];
}

/** For a topic that the schema's rules have let pass. */
export function fromWireTopic(topic: WireTopic): Topic {
  return topics.find((name) => wireTopics[name] === topic) as Topic;
}

export function toPublished(topic: Topic, message: OutgoingMessage): PublishedMessage {
  const { key, value, headers = {}, partition, expiresAtMs } = message;
  return create(PublishedMessageSchema, {
    topic: wireTopics[topic],
    key,
    value,
    headers: { ...headers },
    ...(partition === undefined ? {} : { partition }),
    ...(expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(expiresAtMs) }),
  });
}

export function fromPublished({ key, value, headers, partition, expiresAt }: PublishedMessage): OutgoingMessage {
  return {
    key,
    value,
    headers,
    ...(partition === undefined ? {} : { partition }),
    ...(expiresAt === undefined ? {} : { expiresAtMs: timestampMs(expiresAt) }),
  };
}

export function toDelivered(
  message: IncomingMessage,
  expiredMessages: number,
): MessageInitShape<typeof DeliveredMessageSchema> {
  const { key, value, headers = {}, partition, offset, expiresAtMs, attempt } = message;
  return {
    place: { partition, offset },
    key,
    value,
    headers: { ...headers },
    attempt,
    expiredMessages: BigInt(expiredMessages),
    ...(expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(expiresAtMs) }),
  };
}

export function fromDelivered({ place, key, value, headers, expiresAt, attempt }: DeliveredMessage): IncomingMessage {
  return {
    partition: place?.partition ?? 0,
    offset: place?.offset ?? 0n,
    key,
    value,
    headers,
    attempt,
    ...(expiresAt === undefined ? {} : { expiresAtMs: timestampMs(expiresAt) }),
  };
}

export function toWireOptions(options: SubscribeOptions): MessageInitShape<typeof SubscribeOptionsSchema> {
  const { topic, group, partition, from, maxInFlight = 1, keepPosition = true } = options;
  return {
    topic: wireTopics[topic],
    group,
    from: from === "earliest" ? WireStartPosition.EARLIEST : WireStartPosition.LATEST,
    maxInFlight,
    keepPosition,
    ...(partition === undefined ? {} : { partition }),
  };
}

export function fromWireOptions({
  topic,
  group,
  partition,
  from,
  maxInFlight,
  keepPosition = true,
}: WireSubscribeOptions): SubscribeOptions {
  return {
    topic: fromWireTopic(topic),
    group,
    from: from === WireStartPosition.EARLIEST ? "earliest" : "latest",
    maxInFlight,
    keepPosition,
    ...(partition === undefined ? {} : { partition }),
  };
}
