// BusService in front of a bus of this process, for relays in others.
import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  BusService,
  type PublishedMessage,
  type PublishResultSchema,
} from "../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { ErrorReason, errorDetailOf, failure } from "../shared/errors.js";
import type { Bus, Topic } from "./bus.js";
import { serveSubscription } from "./serve-subscription.js";
import { fromPublished, fromWireTopic, topics, toWireTopic } from "./wire.js";

/** What clients may do. */
export interface BusPermissions {
  readonly publish: readonly Topic[];
  readonly subscribe: readonly Topic[];
}

export interface ServeBusOptions {
  readonly permissions: BusPermissions;
  /** After three of them without a word a subscriber is gone. */
  readonly heartbeatIntervalMs?: number;
}

/** All that a relay does. */
export const relayPermissions: BusPermissions = { publish: ["replies", "presence"], subscribe: ["commands"] };

const defaultHeartbeatIntervalMs = 10_000;

/** Adds BusService. The bus stays the caller's: closed after the server. */
export function addBusService(router: ConnectRouter, bus: Bus, options: ServeBusOptions): void {
  const { permissions, heartbeatIntervalMs = defaultHeartbeatIntervalMs } = options;
  const busId = randomUUID();
  router.service(BusService, {
    getTopics: () => ({
      busId,
      topics: topics.map((topic) => ({ topic: toWireTopic(topic), partitions: bus.partitions(topic) })),
    }),
    // All are handed over before the first is waited for: the bus takes them in this order.
    publish: async ({ messages }) => ({
      results: await Promise.all(messages.map((message) => publish(bus, message, permissions))),
    }),
    subscribe: (requests, { signal }) =>
      serveSubscription({
        bus,
        busId,
        requests,
        signal,
        heartbeatIntervalMs,
        checkTopic: (topic) => checkAllowed("subscribe", topic, permissions.subscribe),
      }),
  });
}

async function publish(
  bus: Bus,
  message: PublishedMessage,
  permissions: BusPermissions,
): Promise<MessageInitShape<typeof PublishResultSchema>> {
  try {
    const topic = fromWireTopic(message.topic);
    checkAllowed("publish", topic, permissions.publish);
    const place = await bus.publish(topic, fromPublished(message));
    return { result: { case: "place", value: place } };
  } catch (error) {
    const refusal = { message: ConnectError.from(error).rawMessage, error: errorDetailOf(error) };
    return { result: { case: "refusal", value: refusal } };
  }
}

function checkAllowed(action: keyof BusPermissions, topic: Topic, allowed: readonly Topic[]): void {
  if (allowed.includes(topic)) return;
  throw failure(ErrorReason.PERMISSION_DENIED, `this credential may not ${action} ${topic}`, {
    metadata: { operation: `${action} ${topic}`, policy: `${action}: ${allowed.join(",")}` },
    remedy: "relays publish replies and presence, and subscribe to commands",
  });
}
