// The embedded bus: the contract, and what it promises beyond.
import { expect, test } from "vitest";
import { type BusOptions, maxMessageBytes } from "../../services/bus/bus.js";
import { openBus } from "../../services/bus/open-bus.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { testBusContract } from "../contract/bus.js";
import { waitFor } from "../shared/wait-for.js";

const open = (options: BusOptions = {}) => openBus({ kind: "embedded", ...options });

testBusContract("embedded", open);

test.each([
  ["rabbit", ErrorReason.INVALID_ARGUMENT, /"rabbit".*embedded, remote, kafka/],
  ["", ErrorReason.INVALID_ARGUMENT, /"".*embedded, remote, kafka/],
  ["kafka", ErrorReason.INVALID_ARGUMENT, /"kafka" needs brokers.*HOST:PORT/],
])("openBus kind %j is refused", async (kind, reason, message) => {
  const error = await openBus({ kind }).catch((rejection: unknown) => rejection);
  expect(errorDetailOf(error).reason).toBe(reason);
  expect((error as Error).message).toMatch(message);
});

test("retention keeps the newest for later groups, and everything that a slow subscriber has not taken", async () => {
  const bus = await open({ retention: { messages: 10, bytes: maxMessageBytes } });
  let release: () => void = () => undefined;
  const slow: number[] = [];
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await bus.subscribe({ topic: "commands", group: "slow", from: "earliest", partition: 0 }, async ({ offset }) => {
    await released;
    slow.push(Number(offset));
  });
  for (let index = 0; index < 100; index++) {
    await bus.publish("commands", { key: "k", value: new Uint8Array(1), partition: 0 });
  }
  release();
  await waitFor(() => slow.length === 100, "all for the slow one");
  for (let index = 0; index < 30; index++) {
    await bus.publish("commands", { key: "k", value: new Uint8Array(1), partition: 0 });
  }
  await waitFor(() => slow.length === 130, "the slow one to catch up");
  await bus.publish("commands", { key: "k", value: new Uint8Array(1), partition: 0 });
  const late: number[] = [];
  await bus.subscribe({ topic: "commands", group: "late", from: "earliest", partition: 0 }, async ({ offset }) => {
    late.push(Number(offset));
  });
  await waitFor(() => late.at(-1) === 130, "the newest");
  expect(late.length).toBeGreaterThanOrEqual(10);
  expect(late.length).toBeLessThanOrEqual(20);
  await bus.close();
});

test("retention bounds bytes too", async () => {
  const bus = await open({ retention: { messages: 1_000_000, bytes: 10_000 } });
  for (let index = 0; index < 100; index++) {
    await bus.publish("commands", { key: "k", value: new Uint8Array(1_000), partition: 0 });
  }
  const late: number[] = [];
  await bus.subscribe({ topic: "commands", group: "late", from: "earliest", partition: 0 }, async ({ offset }) => {
    late.push(Number(offset));
  });
  await waitFor(() => late.at(-1) === 99, "the newest");
  expect(late.length).toBeGreaterThanOrEqual(10);
  expect(late.length).toBeLessThanOrEqual(20);
  await bus.close();
});

test("compaction forgets what newer messages of the key replaced", async () => {
  const bus = await open();
  for (let index = 0; index < 10_000; index++) {
    await bus.publish("presence", { key: `host ${index % 3}`, value: new Uint8Array([index % 256]) });
  }
  const seen: bigint[] = [];
  await bus.subscribe({ topic: "presence", group: "new", from: "earliest" }, async ({ offset }) => {
    seen.push(offset);
  });
  await waitFor(() => seen.at(-1) === 9_999n, "the newest");
  expect(seen.length).toBeLessThan(150);
  await bus.close();
});

test("a fixed partition wants a group of its own", async () => {
  const bus = await open();
  const options = { topic: "replies", group: "g", from: "latest" } as const;
  await bus.subscribe(options, async () => undefined);
  const error = await bus.subscribe({ ...options, partition: 1 }, async () => undefined).catch((reason) => reason);
  expect(errorDetailOf(error).reason).toBe(ErrorReason.INVALID_ARGUMENT);
  await bus.close();
});

test("a blocked subscriber makes publishers BUSY by bytes, and its close frees them", async () => {
  const bus = await open({ queue: { messages: 1_000, bytes: 10_000 } });
  let fail: (reason: Error) => void = () => undefined;
  const blocked = await bus.subscribe({ topic: "commands", group: "g", from: "latest", partition: 0 }, () => {
    return new Promise((_, reject) => {
      fail = reject;
    });
  });
  const publish = () => bus.publish("commands", { key: "k", value: new Uint8Array(4_000), partition: 0 });
  await publish();
  await publish();
  expect(errorDetailOf(await publish().catch((reason) => reason)).reason).toBe(ErrorReason.BUSY);
  const closed = blocked.close();
  fail(new Error("stopped"));
  await closed;
  await publish();
  await bus.close();
});
