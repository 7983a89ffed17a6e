// BusService as its clients meet it on the wire: bounds, heartbeats, and the order of a stream's messages.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, expect, test } from "vitest";
import {
  BusService,
  StartPosition,
  type SubscribeRequest,
  SubscribeRequestSchema,
  Topic,
} from "../../services/gen/systemsmanager/bus/v1/bus_service_pb.js";
import { createAsyncQueue } from "../../services/shared/async-queue.js";
import { bearer } from "../../services/shared/bearer.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { bytes, collect, numberOf, numbers, publishAll } from "../contract/bus-messages.js";
import { closeAtEnd, closeOpened, dialBus, startBusServer, token } from "./bus-server.js";

afterEach(closeOpened);

const commands = { topic: "commands", group: "g", from: "earliest" } as const;

test("a subscriber that acknowledges nothing gets no more than may be in flight, however much waits", async () => {
  const server = closeAtEnd(await startBusServer());
  const stream = openStream(server.url, { maxInFlight: 3 });
  const subscribed = await stream.next();
  expect(subscribed.value?.message.case).toBe("subscribed");
  expect((await stream.next()).value?.message.case).toBe("caughtUp");
  for (const value of numbers(100)) {
    await server.bus.publish("commands", { key: "k", value: bytes(value), partition: 0 });
  }
  for (const _ of numbers(3)) expect((await stream.next()).value?.message.case).toBe("delivered");
  let more = false;
  const fourth = stream.next().then(
    () => (more = true),
    () => undefined,
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(more).toBe(false);
  stream.cut();
  await fourth;
  const next = await collect(closeAtEnd(await dialBus(server.url)), commands);
  expect((await next.count(100)).map(numberOf)).toEqual(numbers(100));
});

test("a subscriber that is silent is taken for gone, one with heartbeats is not", async () => {
  const server = closeAtEnd(await startBusServer({}, 0, { heartbeatIntervalMs: 50 }));
  const silent = openStream(server.url, { group: "silent" });
  await silent.next();
  expect((await silent.next()).value?.message.case).toBe("caughtUp");
  const living = await collect(closeAtEnd(await dialBus(server.url)), { ...commands, group: "living" });
  const error = await silent.next().catch((reason: unknown) => reason);
  expect((error as Error).message).toMatch(/the subscriber was silent for 150 ms/);
  await publishAll(server.bus, [1], () => "k");
  await living.count(1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await publishAll(server.bus, [2], () => "k");
  expect((await living.count(2)).map(({ attempt }) => attempt)).toEqual([1, 1]);
  const next = await collect(server.bus, { ...commands, group: "silent" });
  await next.count(2);
});

const place = { partition: 0, offset: 5n };
const heartbeat: RequestInit = { case: "heartbeat", value: {} };

test.each<[string, RequestInit[], RegExp]>([
  ["heartbeat before options", [heartbeat], /heartbeat before options is out of place/],
  ["options twice", [optionsOf({}), optionsOf({})], /a second options is out of place/],
  ["a word on no message", [optionsOf({}), { case: "acknowledged", value: place }], /a word on 0\/5/],
  ["no group", [optionsOf({ group: "" })], /options.group/],
  ["more in flight than a server takes", [optionsOf({ maxInFlight: 1_001 })], /options.max_in_flight/],
  ["no topic", [optionsOf({ topic: Topic.UNSPECIFIED })], /options.topic/],
  ["nothing", [], /an end before options/],
])("a stream with %s is INVALID_ARGUMENT", async (_what, requests, message) => {
  const server = closeAtEnd(await startBusServer());
  const stream = rawStream(server.url, requests);
  stream.end();
  let error: unknown;
  for (let done = false; !done; ) {
    done = await stream.next().then(
      (next) => next.done === true,
      (reason: unknown) => {
        error = reason;
        return true;
      },
    );
  }
  expect(errorDetailOf(error).reason).toBe(ErrorReason.INVALID_ARGUMENT);
  expect((error as Error).message).toMatch(message);
});

type RequestInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["message"]>;
type OptionsInit = Partial<Extract<RequestInit, { case: "options" }>["value"]>;

function optionsOf(options: OptionsInit): RequestInit {
  const value = { topic: Topic.COMMANDS, group: "g", from: StartPosition.EARLIEST, maxInFlight: 1, ...options };
  return { case: "options", value } as RequestInit;
}

function openStream(url: string, options: OptionsInit) {
  return rawStream(url, [optionsOf(options)]);
}

/** A subscriber that says what it is told to, and reads when it is told to. */
function rawStream(url: string, messages: RequestInit[]) {
  const client = createClient(BusService, createGrpcTransport({ baseUrl: url, interceptors: [bearer(token)] }));
  const requests = createAsyncQueue<SubscribeRequest>();
  for (const message of messages) requests.push(create(SubscribeRequestSchema, { message }));
  const aborter = new AbortController();
  const responses = client.subscribe(requests, { signal: aborter.signal })[Symbol.asyncIterator]();
  return { next: () => responses.next(), end: () => requests.end(), cut: () => aborter.abort() };
}
