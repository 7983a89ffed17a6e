import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "../../../services/bus/bus.js";
import { openEmbeddedBus } from "../../../services/bus/embedded/open-embedded-bus.js";
import { type Inventory, openInventory } from "../../../services/fleet/inventory/inventory.js";
import { openStateDatabase, type StateDatabase } from "../../../services/fleet/state-database.js";
import {
  type Presence,
  PresenceRecordSchema,
  PresenceSchema,
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
) {
  const hostId = idOf(letter);
  const presence = create(PresenceSchema, {
    facts: { hostId, name: `host-${letter}`, ...facts },
    online,
    at: timestampFromMs(attachment * 1000),
    attachment: BigInt(attachment),
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

function encodePresence(presence: Presence): Uint8Array {
  return toBinary(PresenceRecordSchema, create(PresenceRecordSchema, { record: { case: "host", value: presence } }));
}
