// A real inventory on a bus and a state directory of its own, and what hosts say to it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect } from "vitest";
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

export const idOf = (letter: string) => letter.repeat(32);

/** Open from before each test of a file to after it. */
export function useInventory(): InventoryUnderTest {
  const underTest = new InventoryUnderTest();
  beforeEach(() => underTest.begin());
  afterEach(() => underTest.end());
  return underTest;
}

class InventoryUnderTest {
  bus!: Bus;
  database!: StateDatabase;
  inventory!: Inventory;
  #directory = "";
  #marker = 0;

  async begin(): Promise<void> {
    this.#directory = mkdtempSync(join(tmpdir(), "inventory-"));
    this.bus = openEmbeddedBus();
    this.database = openStateDatabase(this.#directory);
    await this.open();
  }

  async end(): Promise<void> {
    await this.inventory.close();
    await this.database.close();
    await this.bus.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** The times here are of 1970, and no host is to be forgotten for that. */
  async open(maxOfflineMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.inventory = await openInventory(this.bus, this.database, log, { maxOfflineMs });
  }

  /** The control plane restarts, its bus with it. */
  async restartWithBus(): Promise<void> {
    await this.inventory.close();
    await this.database.close();
    await this.bus.close();
    this.bus = openEmbeddedBus();
    this.database = openStateDatabase(this.#directory);
    await this.open();
  }

  /** The control plane restarts without its state. */
  async restartWithoutState(): Promise<void> {
    await this.inventory.close();
    await this.database.close();
    rmSync(this.#directory, { recursive: true });
    this.database = openStateDatabase(this.#directory);
    await this.open();
  }

  /** Says that the host with this id is there, or not. */
  async say(
    letter: string,
    attachment: number,
    online: boolean,
    facts: MessageInitShape<typeof PresenceSchema>["facts"] = {},
    relay: { relayId: string; relayLife: bigint } = { relayId: "", relayLife: 0n },
  ): Promise<void> {
    const hostId = idOf(letter);
    const presence = create(PresenceSchema, {
      facts: { hostId, name: `host-${letter}`, ...facts },
      online,
      at: timestampFromMs(attachment * 1000),
      attachment: BigInt(attachment),
      ...relay,
    });
    await this.bus.publish("presence", { key: hostId, value: encodePresence(presence) });
  }

  /** Waits until everything said so far was heard. */
  async heard(): Promise<void> {
    this.#marker++;
    const name = `marker-${this.#marker}`;
    await this.say("f", 1_000_000 + this.#marker, true, { name });
    await eventually(() => expect(this.find("f")?.facts.name).toBe(name));
  }

  find(letter: string) {
    return this.inventory.find(idOf(letter));
  }

  /** Of all hosts, in their order. */
  names(): string[] {
    return this.inventory.hosts().flatMap(({ name }) => (name.startsWith("marker") ? [] : [name]));
  }
}

export function encodePresence(presence: Presence): Uint8Array {
  return toBinary(PresenceRecordSchema, create(PresenceRecordSchema, { record: { case: "host", value: presence } }));
}
