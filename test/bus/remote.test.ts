// The remote bus: the contract over a real loopback server, and what happens when that server, or a client, goes.
import { createServer, connect as dialTcp, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type BusOptions, maxMessageBytes } from "../../services/bus/bus.js";
import { openBus } from "../../services/bus/open-bus.js";
import { relayPermissions } from "../../services/bus/serve-bus.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { testBusContract } from "../contract/bus.js";
import { bytes, collect, expectReason, numberOf, numbers, publishAll } from "../contract/bus-messages.js";
import { testLog } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";
import { type BusServer, closeAtEnd, closeOpened, dialBus, startBusServer } from "./bus-server.js";

testBusContract("remote", async (options: BusOptions = {}) => {
  const server = await startBusServer(options);
  const bus = await dialBus(server.url, options);
  return {
    ...bus,
    async close() {
      await bus.close();
      await server.close();
    },
  };
});

afterEach(closeOpened);

const commands = { topic: "commands", group: "g", from: "earliest" } as const;

test.each([
  ["a wrong token", (url: string) => openBus({ kind: "remote", url, token: "guess", log: testLog }), "UNAUTHENTICATED"],
  ["nothing there", () => dialBus("http://127.0.0.1:1"), "UNREACHABLE"],
  ["no address", () => dialBus("127.0.0.1:7603"), "INVALID_ARGUMENT"],
  ["no token", (url: string) => openBus({ kind: "remote", url, log: testLog }), "INVALID_ARGUMENT"],
] as const)("opening with %s fails", async (_what, open, reason) => {
  const server = closeAtEnd(await startBusServer());
  await expectReason(open(server.url), ErrorReason[reason]);
});

test("refusals of the server's bus keep their reason, words and counts", async () => {
  const server = closeAtEnd(await startBusServer({ queue: { messages: 2, bytes: 1_000 } }));
  const bus = closeAtEnd(await dialBus(server.url));
  let release: () => void = () => undefined;
  let blocked = true;
  await server.bus.subscribe({ ...commands, partition: 0 }, async () => {
    if (blocked) await new Promise<void>((resolve) => (release = resolve));
  });
  const publish = () => bus.publish("commands", { key: "k", value: bytes(1), partition: 0 });
  await publish();
  await publish();
  const error = await publish().catch((reason: unknown) => reason);
  expect(errorDetailOf(error)).toMatchObject({
    reason: ErrorReason.BUSY,
    metadata: { queue: "bus commands/0", capacity: "2 messages, 1000 bytes" },
  });
  expect((error as Error).message).toMatch(/the queue of commands partition 0 is full; try again/);
  expect(bus.counters()).toMatchObject({ published: 2, refusedBusy: 1 });
  blocked = false;
  release();
});

test("one message that breaks a rule takes no other with it", async () => {
  const server = closeAtEnd(await startBusServer());
  const bus = closeAtEnd(await dialBus(server.url));
  const results = await Promise.allSettled([
    bus.publish("commands", { key: "k", value: bytes(1) }),
    bus.publish("commands", { key: "k".repeat(1_025), value: bytes(2) }),
    bus.publish("commands", { key: "k", value: bytes(3), partition: 99 }),
    bus.publish("commands", { key: "k", value: bytes(4) }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
});

test("a relay may publish replies and presence and read commands, and nothing else", async () => {
  const server = closeAtEnd(await startBusServer({}, 0, { permissions: relayPermissions }));
  const bus = closeAtEnd(await dialBus(server.url));
  await bus.publish("replies", { key: "k", value: bytes(1) });
  await bus.publish("presence", { key: "k", value: bytes(1) });
  await bus.subscribe(commands, async () => undefined);
  const denied = ErrorReason.PERMISSION_DENIED;
  await expectReason(bus.publish("commands", { key: "k", value: bytes(1) }), denied);
  for (const topic of ["replies", "presence"] as const) {
    await expectReason(
      bus.subscribe({ ...commands, topic }, async () => undefined),
      denied,
    );
  }
});

test("a server that restarts gets its subscribers, and what they published meanwhile, back", async () => {
  const first = await startBusServer();
  const port = Number(new URL(first.url).port);
  const bus = closeAtEnd(await dialBus(first.url));
  const received = await collect(bus, commands);
  await publishAll(bus, [1, 2], () => "k");
  await received.count(2);
  await first.close();
  const meanwhile = publishAll(bus, [3, 4], () => "k");
  const second = closeAtEnd(await startBusServer({}, port));
  await meanwhile;
  expect((await received.count(4)).map(numberOf)).toEqual([1, 2, 3, 4]);
  expect(second.bus.counters().published).toBe(2);
  expect(bus.counters().published).toBe(4);
});

test("a server that restarts is told the newest of each presence again, and nothing of other topics", async () => {
  const first = await startBusServer();
  const port = Number(new URL(first.url).port);
  const bus = closeAtEnd(await dialBus(first.url));
  await bus.subscribe(commands, async () => undefined);
  for (const value of numbers(9)) await bus.publish("presence", { key: `host ${value % 3}`, value: bytes(value) });
  await publishAll(bus, [77], () => "k", "replies");
  await first.close();
  const second = closeAtEnd(await startBusServer({}, port));
  const presence = await collect(second.bus, { topic: "presence", group: "inventory", from: "earliest" });
  expect((await presence.count(3)).map(numberOf)).toEqual([6, 7, 8]);
  const replies = await collect(second.bus, { topic: "replies", group: "fleet", from: "earliest" });
  await publishAll(bus, [78], () => "k", "replies");
  expect((await replies.count(1)).map(numberOf)).toEqual([78]);
});

test("a cut stream: handlers that run end first, then what they could not acknowledge comes again, in order", async () => {
  const server = closeAtEnd(await startBusServer());
  const proxy = closeAtEnd(await startProxy(server));
  const bus = closeAtEnd(await dialBus(proxy.url));
  const calls: number[] = [];
  let running = 0;
  let most = 0;
  let release: () => void = () => undefined;
  await bus.subscribe(commands, async (message) => {
    calls.push(numberOf(message));
    most = Math.max(most, ++running);
    if (calls.length === 2) await new Promise<void>((resolve) => (release = resolve));
    running--;
  });
  await publishAll(server.bus, [1, 2, 3], () => "k");
  await waitFor(() => calls.length === 2, "the second message");
  proxy.cut();
  await waitFor(() => proxy.connections() === 0, "the cut");
  release();
  await waitFor(() => calls.length === 4, "two more calls");
  expect(calls).toEqual([1, 2, 2, 3]);
  expect(most).toBe(1);
});

test("a subscriber whose process is gone leaves its messages to the next of its group", async () => {
  const server = closeAtEnd(await startBusServer());
  const proxy = closeAtEnd(await startProxy(server));
  const gone = await dialBus(proxy.url);
  const seen: number[] = [];
  await gone.subscribe(commands, (message) => {
    seen.push(numberOf(message));
    return new Promise(() => undefined);
  });
  await publishAll(server.bus, [1, 2], () => "k");
  await waitFor(() => seen.length === 1, "the first message");
  await proxy.close();
  const next = await collect(closeAtEnd(await dialBus(server.url)), commands);
  expect((await next.count(2)).map(numberOf)).toEqual([1, 2]);
});

test("a slow handler holds messages back on the server: the client never has more than were asked for", async () => {
  const server = closeAtEnd(await startBusServer());
  const bus = closeAtEnd(await dialBus(server.url));
  const maxInFlight = 4;
  let running = 0;
  let handled = 0;
  let most = 0;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await bus.subscribe({ ...commands, partition: 0, maxInFlight }, async () => {
    most = Math.max(most, ++running);
    await released;
    running--;
    handled++;
  });
  const before = process.memoryUsage().arrayBuffers;
  // One buffer, so that what grows is what was sent.
  const value = new Uint8Array(maxMessageBytes);
  for (const _ of numbers(100)) await server.bus.publish("commands", { key: "k", value, partition: 0 });
  await waitFor(() => running === maxInFlight, "as many handlers as may run");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * maxMessageBytes);
  release();
  await waitFor(() => handled === 100, "all messages");
  expect(most).toBe(maxInFlight);
});

/** Stands between a bus and its server, to cut their connection. */
async function startProxy(server: BusServer) {
  const port = Number(new URL(server.url).port);
  const sockets = new Set<Socket>();
  const proxy: Server = createServer((near) => {
    const far = dialTcp(port, "127.0.0.1");
    sockets.add(near);
    near.on("close", () => sockets.delete(near) && far.destroy()).on("error", () => far.destroy());
    far.on("close", () => near.destroy()).on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(proxy.address() as { port: number }).port}`,
    cut,
    connections: () => sockets.size,
    close: () =>
      new Promise<void>((resolve) => {
        proxy.close(() => resolve());
        cut();
      }),
  };
}
