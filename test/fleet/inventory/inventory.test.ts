import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bus } from "../../../services/bus/bus.js";
import { openEmbeddedBus } from "../../../services/bus/embedded/open-embedded-bus.js";
import { type Inventory, openInventory } from "../../../services/fleet/inventory/inventory.js";
import { openStateDatabase, type StateDatabase } from "../../../services/fleet/state-database.js";
import {
  type Presence,
  PresenceRecordSchema,
  PresenceSchema,
  RelayPresenceSchema,
} from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { createLogger } from "../../../services/shared/log.js";
import { eventually } from "../run/eventually.js";

const log = createLogger("inventory-test");
const idOf = (letter: string) => letter.repeat(32);

let directory: string;
let bus: Bus;
let database: StateDatabase;
let inventory: Inventory;

// The times here are of 1970, and no host is to be forgotten for that.
function open(): Promise<Inventory> {
  return openInventory(bus, database, log, { maxOfflineMs: Number.POSITIVE_INFINITY });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "inventory-"));
  bus = openEmbeddedBus();
  database = openStateDatabase(directory);
  inventory = await open();
});

afterEach(async () => {
  await inventory.close();
  await database.close();
  await bus.close();
  rmSync(directory, { recursive: true });
});

/** Says that the host with this id is there, or not. */
async function say(
  letter: string,
  attachment: number,
  online: boolean,
  facts: MessageInitShape<typeof PresenceSchema>["facts"] = {},
  relay: { relayId: string; relayLife: bigint } = { relayId: "", relayLife: 0n },
) {
  const hostId = idOf(letter);
  const presence = create(PresenceSchema, {
    facts: { hostId, name: `host-${letter}`, ...facts },
    online,
    at: timestampFromMs(attachment * 1000),
    attachment: BigInt(attachment),
    ...relay,
  });
  await bus.publish("presence", { key: hostId, value: encodePresence(presence) });
}

/** Waits until everything said so far was heard. */
async function heard(): Promise<void> {
  marker++;
  const name = `marker-${marker}`;
  await say("f", 1_000_000 + marker, true, { name });
  await eventually(() => expect(inventory.find(idOf("f"))?.facts.name).toBe(name));
}

let marker = 0;

function names(): string[] {
  return inventory.hosts().flatMap(({ name }) => (name.startsWith("marker") ? [] : [name]));
}

test("hosts are known with their facts, sorted by id, and since when they are there", async () => {
  await say("b", 1, true, { distro: "debian" });
  await say("a", 2, true);
  await heard();
  expect(names()).toEqual(["host-a", "host-b"]);
  expect(inventory.find(idOf("b"))).toMatchObject({ online: true, sinceMs: 1_000, facts: { distro: "debian" } });
});

test("a late word that an old attachment went does not win over a new one", async () => {
  await say("a", 7, true);
  await say("a", 8, true);
  await say("a", 7, false);
  await heard();
  expect(inventory.find(idOf("a"))).toMatchObject({ online: true, sinceMs: 8_000 });
  await say("a", 8, false);
  await heard();
  expect(inventory.find(idOf("a"))?.online).toBe(false);
});

test("a restarted control plane knows its hosts at once, without a word from the bus", async () => {
  await say("a", 1, true);
  await say("b", 2, true);
  await say("b", 2, false);
  await heard();
  await inventory.close();
  await database.close();
  await bus.close();
  bus = openEmbeddedBus();
  database = openStateDatabase(directory);
  inventory = await open();
  expect(names()).toEqual(["host-a", "host-b"]);
  expect(inventory.find(idOf("b"))).toMatchObject({ online: false, sinceMs: 2_000 });
  // Its relay may have stopped with the bus: it is offline from now on, until somebody says that it is attached.
  expect(inventory.find(idOf("a"))?.online).toBe(false);
  expect(inventory.find(idOf("a"))?.sinceMs).toBeGreaterThan(Date.now() - 10_000);
  await say("a", 1, true);
  await heard();
  expect(inventory.find(idOf("a"))?.online).toBe(true);
});

test("a restarted control plane on a bus that lives on knows again who is attached", async () => {
  await say("a", 1, true);
  await heard();
  await inventory.close();
  inventory = await open();
  await heard();
  expect(inventory.find(idOf("a"))).toMatchObject({ online: true, sinceMs: 1_000 });
});

test("a control plane that lost its state reads the topic again", async () => {
  await say("a", 1, true);
  await heard();
  await inventory.close();
  await database.close();
  rmSync(directory, { recursive: true });
  database = openStateDatabase(directory);
  inventory = await open();
  await heard();
  expect(names()).toEqual(["host-a"]);
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
  await bus.publish("presence", { key: "x", value });
  await heard();
  expect(names()).toEqual([]);
});

test("listeners hear each change until they stop", async () => {
  const changes: [string, boolean][] = [];
  const stop = inventory.onChange(({ name, online }) => {
    if (name.startsWith("host")) changes.push([name, online]);
  });
  await say("a", 1, true);
  await say("a", 1, false);
  await heard();
  stop();
  await say("a", 2, true);
  await heard();
  expect(changes).toEqual([
    ["host-a", true],
    ["host-a", false],
  ]);
});

test("a host that changes its name leaves the old one free", async () => {
  await say("a", 1, true, { name: "web" });
  await say("a", 2, true, { name: "web-new" });
  await say("b", 1, true, { name: "web" });
  await heard();
  expect(names()).toEqual(["web-new", "web"]);
});

test.each<[string, [string, boolean, number][], string[]]>([
  [
    "two that are online both carry a suffix",
    [
      ["a", true, 1],
      ["b", true, 2],
    ],
    ["web~aaaaaa", "web~bbbbbb"],
  ],
  [
    "the one that is online has it",
    [
      ["a", false, 9],
      ["b", true, 2],
    ],
    ["web~aaaaaa", "web"],
  ],
  [
    "of two that are offline, the one seen last has it",
    [
      ["a", false, 9],
      ["b", false, 2],
    ],
    ["web", "web~bbbbbb"],
  ],
  [
    "of three, the two that are online and the third carry a suffix",
    [
      ["a", true, 1],
      ["b", true, 1],
      ["c", false, 3],
    ],
    ["web~aaaaaa", "web~bbbbbb", "web~cccccc"],
  ],
])("hosts of one name: %s", async (_what, hosts, expected) => {
  for (const [letter, online, attachment] of hosts) await say(letter, attachment, online, { name: "web" });
  await heard();
  expect(names()).toEqual(expected);
});

describe("hosts of a relay", () => {
  async function sayOfRelay(life: bigint, alive = true, intervalMs = 500) {
    const value = create(RelayPresenceSchema, { relayId: "r", life, alive, interval: durationFromMs(intervalMs) });
    const record = create(PresenceRecordSchema, { record: { case: "relay", value } });
    await bus.publish("presence", { key: "relay/r", value: toBinary(PresenceRecordSchema, record) });
  }
  const sayOnline = (letter: string, relayLife: bigint) => say(letter, 1, true, {}, { relayId: "r", relayLife });

  test("are offline while it is silent, and online again with its next word", async () => {
    const changes: [string, boolean][] = [];
    inventory.onChange(({ name, online }) => changes.push([name, online]));
    await sayOfRelay(5n);
    await sayOnline("a", 5n);
    await sayOnline("b", 5n);
    await say("b", 1, false, {}, { relayId: "r", relayLife: 5n });
    await eventually(() => expect(changes).toHaveLength(4));
    expect(changes.slice(3)).toEqual([["host-a", false]]);
    expect(inventory.find(idOf("a"))?.sinceMs).toBeGreaterThan(Date.now() - 10_000);
    await sayOfRelay(5n, true, 60_000);
    await heard();
    expect(inventory.find(idOf("a"))).toMatchObject({ online: true, sinceMs: 1_000 });
    expect(inventory.find(idOf("b"))?.online).toBe(false);
  });

  test("are offline after its last word, and in its next life until it says otherwise", async () => {
    await sayOfRelay(5n, true, 60_000);
    await sayOnline("a", 5n);
    await heard();
    expect(inventory.find(idOf("a"))?.online).toBe(true);
    await sayOfRelay(5n, false, 60_000);
    await heard();
    expect(inventory.find(idOf("a"))?.online).toBe(false);
    await sayOfRelay(6n, true, 60_000);
    await heard();
    expect(inventory.find(idOf("a"))?.online).toBe(false);
    await sayOnline("a", 6n);
    await heard();
    expect(inventory.find(idOf("a"))).toMatchObject({ online: true, attachment: "r/6/1" });
  });
});

describe("forgetting hosts", () => {
  test("takes the offline ones of those that are named, here, on disk and on the bus", async () => {
    await say("a", 1, true);
    await say("b", 1, false);
    await heard();
    const forgotten = await inventory.forget(inventory.hosts());
    expect(forgotten.map(({ name }) => name)).toEqual(["host-b"]);
    expect(names()).toEqual(["host-a"]);
    await inventory.close();
    inventory = await open();
    expect(names()).toEqual(["host-a"]);
    await say("b", 2, true);
    await heard();
    expect(names()).toEqual(["host-a", "host-b"]);
  });

  test("a host that another control plane forgot while it was back is said to be there again", async () => {
    await say("a", 3, true);
    await heard();
    await bus.publish("presence", { key: idOf("a"), value: new Uint8Array() });
    await heard();
    expect(inventory.find(idOf("a"))?.online).toBe(true);
    await inventory.close();
    await database.hosts.remove(idOf("a"));
    inventory = await open();
    await eventually(() => expect(inventory.find(idOf("a"))?.online).toBe(true));
  });

  test("a name that a forgotten host had is free", async () => {
    await say("a", 9, false, { name: "web" });
    await say("b", 2, false, { name: "web" });
    await heard();
    expect(names()).toEqual(["web", "web~bbbbbb"]);
    await inventory.forget(inventory.hosts().filter(({ name }) => name === "web"));
    expect(names()).toEqual(["web"]);
  });

  test("those that are offline for longer than the limit go by themselves at the start", async () => {
    await say("a", 1, false);
    await say("b", Math.floor(Date.now() / 1000) - 10, false);
    await heard();
    await inventory.close();
    inventory = await openInventory(bus, database, log, { maxOfflineMs: 60_000 });
    expect(names()).toEqual(["host-b"]);
  });
});

function encodePresence(presence: Presence): Uint8Array {
  return toBinary(PresenceRecordSchema, create(PresenceRecordSchema, { record: { case: "host", value: presence } }));
}
