// A bus that lives in another process, over its BusService. What serve-bus.ts cannot keep through a restart of an in-memory
// bus, the newest message of each key of a compacted topic, this end publishes again.
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { Bus, BusOptions, MessageHandler, SubscribeOptions, Subscription, Topic } from "../bus.js";
import { createOpenSubscriptions } from "../open-subscriptions.js";
import { fromWireTopic } from "../wire.js";
import { connectBus } from "./bus-connection.js";
import { createPublisher } from "./publisher.js";
import { openRemoteSubscription } from "./remote-subscription.js";

export interface RemoteBusOptions extends BusOptions {
  /** "http://10.0.0.1:7603", or https. */
  readonly url: string;
  readonly token: string;
  /** PEM certificates to trust for https; the system's when absent. */
  readonly ca?: string;
  readonly log: Logger;
}

/** Resolves when the other side has answered. UNREACHABLE when nothing usable is there, UNAUTHENTICATED for a wrong token. */
export async function openRemoteBus(options: RemoteBusOptions): Promise<Bus> {
  const { url, log } = options;
  const connection = connectBus(options);
  const closing = new AbortController();
  const taken = { published: 0, refusedBusy: 0, refusedTooLarge: 0 };
  const counters = { ...taken, delivered: 0, rejected: 0, expired: 0, resubscribed: 0 };
  const subscriptions = createOpenSubscriptions();
  const shape = await connection.getTopics(closing.signal).catch((error) => {
    connection.close();
    throw error;
  });
  const partitions = new Map<Topic, number>(shape.topics.map((each) => [fromWireTopic(each.topic), each.partitions]));
  const publisher = createPublisher({ connection, queue: options.queue, counters, closing: closing.signal, log });
  let busId = shape.busId;
  let open = true;

  function checkOpen() {
    if (!open) throw closed(url);
  }

  function onSubscribed(newBusId: string) {
    if (newBusId === busId) return;
    busId = newBusId;
    publisher.publishCompactedAgain();
  }

  async function subscribe(wanted: SubscribeOptions, handler: MessageHandler): Promise<Subscription> {
    checkOpen();
    const { topic, group } = wanted;
    const own = { wanted, handler, onSubscribed, closing: closing.signal };
    const opened = await openRemoteSubscription({ connection, counters, log, ...own });
    return subscriptions.add(opened, () => ({ topic, group, behind: opened.inHandler() }));
  }

  return {
    async publish(topic, message) {
      checkOpen();
      return publisher.publish(topic, message);
    },
    subscribe,
    partitions: (topic) => partitions.get(topic) ?? 0,
    counters: () => ({ ...counters }),
    gauges: () => ({ waiting: publisher.waiting(), subscriptions: subscriptions.gauges() }),
    async close() {
      open = false;
      await subscriptions.closeAll();
      closing.abort(closed(url));
      connection.close();
    },
  };
}

function closed(url: string) {
  return failure(ErrorReason.UNREACHABLE, `the bus connection to ${url} is closed`, { metadata: { address: url } });
}
