import { expect, test } from "vitest";
import { eventually } from "../run/eventually.js";
import { idOf, useInventory } from "./inventory-under-test.js";

const fleet = useInventory();

test("forgetting takes the offline ones of those that are named, here, on disk and on the bus", async () => {
  await fleet.say("a", 1, true);
  await fleet.say("b", 1, false);
  await fleet.heard();
  const forgotten = await fleet.inventory.forget(fleet.inventory.hosts());
  expect(forgotten.map(({ name }) => name)).toEqual(["host-b"]);
  expect(fleet.names()).toEqual(["host-a"]);
  await fleet.inventory.close();
  await fleet.open();
  expect(fleet.names()).toEqual(["host-a"]);
  await fleet.say("b", 2, true);
  await fleet.heard();
  expect(fleet.names()).toEqual(["host-a", "host-b"]);
});

test("a host that another control plane forgot while it was back is said to be there again", async () => {
  await fleet.say("a", 3, true);
  await fleet.heard();
  await fleet.bus.publish("presence", { key: idOf("a"), value: new Uint8Array() });
  await fleet.heard();
  expect(fleet.find("a")?.online).toBe(true);
  await fleet.inventory.close();
  await fleet.database.hosts.remove(idOf("a"));
  await fleet.open();
  await eventually(() => expect(fleet.find("a")?.online).toBe(true));
});

test("a name that a forgotten host had is free", async () => {
  await fleet.say("a", 9, false, { name: "web" });
  await fleet.say("b", 2, false, { name: "web" });
  await fleet.heard();
  expect(fleet.names()).toEqual(["web", "web~bbbbbb"]);
  await fleet.inventory.forget(fleet.inventory.hosts().filter(({ name }) => name === "web"));
  expect(fleet.names()).toEqual(["web"]);
});

test("those that are offline for longer than the limit go by themselves at the start", async () => {
  await fleet.say("a", 1, false);
  await fleet.say("b", Math.floor(Date.now() / 1000) - 10, false);
  await fleet.heard();
  await fleet.inventory.close();
  await fleet.open(60_000);
  expect(fleet.names()).toEqual(["host-b"]);
});
