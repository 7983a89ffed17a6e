// Replies are kept until the bus has them, over simulated connections.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { createDaemonCounters } from "../../services/daemon/daemon-counters.js";
import { createOutbox } from "../../services/daemon/outbox.js";
import type { RelayConnection } from "../../services/daemon/relay-connection.js";
import { type Reply, ReplySchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { testLog } from "./test-path.js";

function simulatedConnection(room = Number.POSITIVE_INFINITY) {
  const sent: string[] = [];
  const connection: RelayConnection = {
    relayId: "simulated",
    send({ commandId }) {
      if (sent.length >= room) return false;
      sent.push(commandId);
      return true;
    },
    end: () => undefined,
    setReading: () => undefined,
    closed: new Promise(() => undefined),
  };
  return { sent, connection };
}

function openOutbox() {
  const counters = createDaemonCounters();
  const confirmed: string[] = [];
  const outbox = createOutbox(counters, testLog, ({ commandId }) => confirmed.push(commandId));
  return { counters, confirmed, outbox };
}

function reply(commandId: string, bytes = 1): Reply {
  return create(ReplySchema, { commandId, body: new Uint8Array(bytes) });
}

test("what was not confirmed is sent again on the next connection, in order; what was is not", () => {
  const { outbox, confirmed } = openOutbox();
  const [first, second] = [simulatedConnection(), simulatedConnection()];
  outbox.attach(first.connection);
  for (const id of ["a", "b", "c"]) outbox.send(reply(id));
  outbox.taken(1);
  outbox.attach(undefined);
  outbox.send(reply("d"));
  outbox.attach(second.connection);
  expect(first.sent).toEqual(["a", "b", "c"]);
  expect(second.sent).toEqual(["b", "c", "d"]);
  outbox.taken(2);
  outbox.taken(2);
  outbox.send(reply("e"));
  outbox.taken(4);
  expect(confirmed).toEqual(["a", "b", "c", "d", "e"]);
  outbox.close();
});

test("a confirmation of more than was sent confirms no more than was sent", () => {
  const { outbox, confirmed } = openOutbox();
  outbox.send(reply("a"));
  outbox.taken(7);
  expect(confirmed).toEqual([]);
  outbox.attach(simulatedConnection().connection);
  outbox.taken(7);
  expect(confirmed).toEqual(["a"]);
  outbox.close();
});

test("a connection that is full gets the rest later", async () => {
  const { outbox } = openOutbox();
  const full = simulatedConnection(1);
  outbox.attach(full.connection);
  outbox.send(reply("a"));
  outbox.send(reply("b"));
  expect(full.sent).toEqual(["a"]);
  const roomy = simulatedConnection();
  outbox.attach(roomy.connection);
  expect(roomy.sent).toEqual(["a", "b"]);
  outbox.close();
});

test.each([
  ["1,000 replies", 1_200, 1, 200],
  ["32 MiB", 40, 1024 * 1024, 8],
])("beyond %s the oldest unsent is dropped and counted", (_, count, bytes, lost) => {
  const { outbox, counters } = openOutbox();
  for (let index = 0; index < count; index++) outbox.send(reply(`${index}`, bytes));
  expect(counters.lostReplies).toBe(lost);
  const { sent, connection } = simulatedConnection();
  outbox.attach(connection);
  expect(sent).toEqual(Array.from({ length: count - lost }, (_, index) => `${index + lost}`));
  outbox.close();
});

test("what was sent and merely awaits confirmation gives way uncounted, and counting stays right", () => {
  const { outbox, counters, confirmed } = openOutbox();
  const { connection } = simulatedConnection();
  outbox.attach(connection);
  for (let index = 0; index < 1_001; index++) outbox.send(reply(`${index}`));
  expect(counters.lostReplies).toBe(0);
  outbox.taken(3);
  expect(confirmed).toEqual(["1", "2"]);
  outbox.close();
});
