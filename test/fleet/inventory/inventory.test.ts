import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { PresenceSchema } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { encodePresence, idOf, useInventory } from "./inventory-under-test.js";

const fleet = useInventory();

test("hosts are known with their facts, sorted by id, and since when they are there", async () => {
  await fleet.say("b", 1, true, { distro: "debian" });
  await fleet.say("a", 2, true);
  await fleet.heard();
  expect(fleet.names()).toEqual(["host-a", "host-b"]);
  expect(fleet.find("b")).toMatchObject({ online: true, sinceMs: 1_000, facts: { distro: "debian" } });
});

test("a late word that an old attachment went does not win over a new one", async () => {
  await fleet.say("a", 7, true);
  await fleet.say("a", 8, true);
  await fleet.say("a", 7, false);
  await fleet.heard();
  expect(fleet.find("a")).toMatchObject({ online: true, sinceMs: 8_000 });
  await fleet.say("a", 8, false);
  await fleet.heard();
  expect(fleet.find("a")?.online).toBe(false);
});

test("a restarted control plane knows its hosts at once, without a word from the bus", async () => {
  await fleet.say("a", 1, true);
  await fleet.say("b", 2, true);
  await fleet.say("b", 2, false);
  await fleet.heard();
  await fleet.restartWithBus();
  expect(fleet.names()).toEqual(["host-a", "host-b"]);
  expect(fleet.find("b")).toMatchObject({ online: false, sinceMs: 2_000 });
  // Its relay may have stopped with the bus: it is offline from now on, until somebody says that it is attached.
  expect(fleet.find("a")?.online).toBe(false);
  expect(fleet.find("a")?.sinceMs).toBeGreaterThan(Date.now() - 10_000);
  await fleet.say("a", 1, true);
  await fleet.heard();
  expect(fleet.find("a")?.online).toBe(true);
});

test("a restarted control plane on a bus that lives on knows again who is attached", async () => {
  await fleet.say("a", 1, true);
  await fleet.heard();
  await fleet.inventory.close();
  await fleet.open();
  await fleet.heard();
  expect(fleet.find("a")).toMatchObject({ online: true, sinceMs: 1_000 });
});

test("a control plane that lost its state reads the topic again", async () => {
  await fleet.say("a", 1, true);
  await fleet.heard();
  await fleet.restartWithoutState();
  await fleet.heard();
  expect(fleet.names()).toEqual(["host-a"]);
});

test.each<[string, Uint8Array]>([
  ["bytes that are no presence", Buffer.from([255, 255, 255])],
  ["no facts", encodePresence(create(PresenceSchema, { online: true }))],
  [
    "a host id against the rules",
    encodePresence(create(PresenceSchema, { facts: { hostId: "../../etc", name: "x" } })),
  ],
  [
    "a name against the rules",
    encodePresence(create(PresenceSchema, { facts: { hostId: idOf("a"), name: "a\u202eb" } })),
  ],
])("%s is dropped, and what follows is heard", async (_what, value) => {
  await fleet.bus.publish("presence", { key: "x", value });
  await fleet.heard();
  expect(fleet.names()).toEqual([]);
});

test("listeners hear each change until they stop", async () => {
  const changes: [string, boolean][] = [];
  const stop = fleet.inventory.onChange(({ name, online }) => {
    if (name.startsWith("host")) changes.push([name, online]);
  });
  await fleet.say("a", 1, true);
  await fleet.say("a", 1, false);
  await fleet.heard();
  stop();
  await fleet.say("a", 2, true);
  await fleet.heard();
  expect(changes).toEqual([
    ["host-a", true],
    ["host-a", false],
  ]);
});
