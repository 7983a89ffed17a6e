// One stream of BusService.Subscribe: messages down, what became of them up, until either side goes. The bus's own bound of
// messages in flight bounds what waits here: a message's handler ends with the client's word on it.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Place,
  type SubscribeRequest,
  type SubscribeResponse,
  SubscribeResponseSchema,
  type SubscribeOptions as WireSubscribeOptions,
} from "../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { createAsyncQueue } from "../shared/async-queue.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Bus, IncomingMessage, Subscription, Topic } from "./bus.js";
import { fromWireOptions, toDelivered } from "./wire.js";

export interface ServeSubscriptionOptions {
  readonly bus: Bus;
  readonly busId: string;
  readonly requests: AsyncIterable<SubscribeRequest>;
  /** Aborted when the client is gone or the server stops. */
  readonly signal: AbortSignal;
  readonly heartbeatIntervalMs: number;
  /** Throws PERMISSION_DENIED. */
  readonly checkTopic: (topic: Topic) => void;
}

type Response = MessageInitShape<typeof SubscribeResponseSchema>;

const caughtUp = { case: "caughtUp", value: {} } as const;

/** What goes down the stream. */
export async function* serveSubscription(options: ServeSubscriptionOptions): AsyncGenerator<Response> {
  const { bus, busId, signal, heartbeatIntervalMs } = options;
  const requests = options.requests[Symbol.asyncIterator]();
  const wanted = fromWireOptions(await readOptions(requests));
  options.checkTopic(wanted.topic);
  signal.throwIfAborted();

  const outgoing = createAsyncQueue<SubscribeResponse>();
  const unsettled = createUnsettled();
  let left: Promise<void> | undefined;
  let subscription: Subscription | undefined;
  const opened = await bus.subscribe(wanted, (message) => {
    outgoing.push(delivered(message, subscription?.expired() ?? 0));
    return unsettled.add(message);
  });
  subscription = opened;
  void opened.caughtUp.then(() => outgoing.push(create(SubscribeResponseSchema, { message: caughtUp })));
  function leave(reason?: unknown): Promise<void> {
    outgoing.end(reason);
    left ??= closeSubscription(opened, unsettled);
    return left;
  }
  // The consumer of this generator may be gone without a word.
  const abort = () => void leave(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const silence = createSilence(heartbeatIntervalMs, leave);
  void readResults(requests, unsettled, silence.refresh).then(() => leave(), leave);
  try {
    yield { message: { case: "subscribed", value: { busId, heartbeatInterval: durationFromMs(heartbeatIntervalMs) } } };
    yield* outgoing;
  } finally {
    silence.stop();
    signal.removeEventListener("abort", abort);
    await leave();
  }
}

function delivered(message: IncomingMessage, expiredMessages: number): SubscribeResponse {
  const value = toDelivered(message, expiredMessages);
  return create(SubscribeResponseSchema, { message: { case: "delivered", value } });
}

async function readOptions(requests: AsyncIterator<SubscribeRequest>): Promise<WireSubscribeOptions> {
  const first = await requests.next();
  if (first.done !== true && first.value.message.case === "options") return first.value.message.value;
  throw outOfPlace(first.done === true ? "an end before options" : `${first.value.message.case} before options`);
}

async function readResults(
  requests: AsyncIterator<SubscribeRequest>,
  unsettled: Unsettled,
  heard: () => void,
): Promise<void> {
  for (let next = await requests.next(); next.done !== true; next = await requests.next()) {
    heard();
    const { message } = next.value;
    if (message.case === "options") throw outOfPlace("a second options");
    if (message.case === "acknowledged") unsettled.settle(message.value, "done");
    if (message.case === "rejected") unsettled.settle(message.value, "again");
  }
}

async function closeSubscription(subscription: Subscription, unsettled: Unsettled): Promise<void> {
  const closed = subscription.close();
  unsettled.rejectAll();
  await closed;
}

interface Unsettled {
  /** Resolves when the client acknowledges the message, rejects when it does not. */
  add(message: IncomingMessage): Promise<void>;
  /** Throws INVALID_ARGUMENT for a place that waits for no word. */
  settle(place: Place, outcome: "done" | "again"): void;
  rejectAll(): void;
}

function createUnsettled(): Unsettled {
  const waiting = new Map<string, (outcome: "done" | "again") => void>();
  return {
    add: (message) =>
      new Promise((resolve, reject) => {
        waiting.set(placeKey(message), (outcome) =>
          outcome === "done" ? resolve() : reject(new Error("the subscriber did not handle it")),
        );
      }),
    settle(place, outcome) {
      const key = placeKey(place);
      const settle = waiting.get(key);
      if (!settle) throw outOfPlace(`a word on ${key}, which waits for none,`);
      waiting.delete(key);
      settle(outcome);
    },
    rejectAll() {
      for (const settle of waiting.values()) settle("again");
      waiting.clear();
    },
  };
}

function placeKey({ partition, offset }: Pick<Place, "partition" | "offset">): string {
  return `${partition}/${offset}`;
}

// A subscriber that is gone without a word would keep its share of the partitions.
function createSilence(heartbeatIntervalMs: number, leave: (reason: unknown) => void) {
  const timer = setTimeout(() => leave(silent(3 * heartbeatIntervalMs)), 3 * heartbeatIntervalMs);
  return { refresh: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

function silent(milliseconds: number) {
  return failure(ErrorReason.UNREACHABLE, `the subscriber was silent for ${milliseconds} ms`, {
    metadata: { address: "subscriber" },
    remedy: "send a heartbeat in every interval",
  });
}

function outOfPlace(what: string) {
  return failure(ErrorReason.INVALID_ARGUMENT, `${what} is out of place on this stream`, {
    metadata: { field: "message", rule: "subscribe.order" },
    remedy: "send options first and once, then one word on each message",
  });
}
