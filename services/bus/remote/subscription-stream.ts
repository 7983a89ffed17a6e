// One stream of BusService.Subscribe from the subscriber's side: each message to the handler, its word on it back.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type DeliveredMessage,
  type Subscribed,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "../../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { createAsyncQueue } from "../../shared/async-queue.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { MessageHandler, SubscribeOptions } from "../bus.js";
import { fromDelivered, toWireOptions } from "../wire.js";
import type { BusConnection } from "./bus-connection.js";

/** What subscriptions count. */
export interface SubscriptionCounters {
  delivered: number;
  rejected: number;
  expired: number;
}

export interface SubscriptionStreamOptions {
  readonly connection: BusConnection;
  readonly wanted: SubscribeOptions;
  readonly handler: MessageHandler;
  readonly counters: SubscriptionCounters;
  /** So many more messages were skipped because they had expired. */
  readonly onExpired: (messages: number) => void;
  readonly onCaughtUp: () => void;
  /** Aborted to open it no longer; an open stream is not touched by it. */
  readonly signal: AbortSignal;
}

export interface SubscriptionStream {
  readonly busId: string;
  /** Resolves when it is gone and no handler of it runs, with why. */
  readonly ended: Promise<unknown>;
  /** Gives the handler no more messages, lets it end, and leaves the group. */
  finish(): Promise<void>;
  /** Messages with the handler. */
  inHandler(): number;
}

type Request = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["message"]>;

const openTimeoutMs = 10_000;
// A server that is still there ends the stream at once; from one that is not the stream is taken.
const finishTimeoutMs = 2_000;

/** Resolves when messages flow. */
export async function openSubscriptionStream(options: SubscriptionStreamOptions): Promise<SubscriptionStream> {
  const { connection, wanted, onExpired, onCaughtUp } = options;
  const requests = createAsyncQueue<SubscribeRequest>();
  const send = (message: Request) => requests.push(create(SubscribeRequestSchema, { message }));
  const handling = createHandling(options, send);
  const cut = new AbortController();
  let finishing = false;
  let expired = 0;

  send({ case: "options", value: toWireOptions(wanted) });
  const responses = connection.subscribe(requests, cut.signal)[Symbol.asyncIterator]();
  const { busId, heartbeatInterval } = await readSubscribed(responses, cut, options.signal);
  const heartbeat = setInterval(
    () => send({ case: "heartbeat", value: {} }),
    heartbeatInterval ? durationMs(heartbeatInterval) : openTimeoutMs,
  );

  async function read() {
    for (let next = await responses.next(); next.done !== true; next = await responses.next()) {
      const { message } = next.value;
      if (message.case === "caughtUp") onCaughtUp();
      if (message.case !== "delivered") continue;
      onExpired(Number(message.value.expiredMessages) - expired);
      expired = Number(message.value.expiredMessages);
      // What comes now stays with the group: the server gets no word on it.
      if (!finishing) handling.begin(message.value);
    }
  }

  async function end(reason?: unknown): Promise<unknown> {
    clearInterval(heartbeat);
    requests.end();
    await handling.idle();
    return reason;
  }

  const ended = read().then(() => end(), end);
  return {
    busId,
    ended,
    inHandler: handling.count,
    async finish() {
      finishing = true;
      await handling.idle();
      requests.end();
      const timer = setTimeout(() => cut.abort(), finishTimeoutMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

// Runs the handler, and sends its word on each message.
function createHandling({ handler, counters }: SubscriptionStreamOptions, send: (message: Request) => void) {
  const running = new Set<Promise<void>>();

  async function handle(message: DeliveredMessage) {
    const { partition = 0, offset = 0n } = message.place ?? {};
    try {
      await handler(fromDelivered(message));
      counters.delivered++;
      send({ case: "acknowledged", value: { partition, offset } });
    } catch {
      // The handler's own log says why; the bus counts and sends it again.
      counters.rejected++;
      send({ case: "rejected", value: { partition, offset } });
    }
  }

  return {
    begin(message: DeliveredMessage) {
      const handled = handle(message).finally(() => running.delete(handled));
      running.add(handled);
    },
    count: () => running.size,
    idle: async () => {
      await Promise.all(running);
    },
  };
}

async function readSubscribed(
  responses: AsyncIterator<SubscribeResponse>,
  cut: AbortController,
  signal: AbortSignal,
): Promise<Subscribed> {
  const giveUp = () => cut.abort();
  const timer = setTimeout(giveUp, openTimeoutMs);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const first = await responses.next();
    if (first.done !== true && first.value.message.case === "subscribed") return first.value.message.value;
    cut.abort();
    throw failure(ErrorReason.INTERNAL, "the bus did not say that messages flow", {
      remedy: "update the control plane before relays",
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}
