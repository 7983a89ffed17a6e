// Hosts of the fleet, from the presence topic: in memory to be asked, on disk to be known again at once after a restart.
//
// Who is attached is known from the bus alone: a host that is loaded from disk is offline until a relay says otherwise, and
// each start reads the compacted topic from its beginning, and waits a while for its end. Where the bus lived in the process that
// stopped, hosts thus come online as they attach again, and nobody waits for one that never does.
//
// A host that is forgotten leaves the topic too (an empty message takes its place), so that every control plane forgets it.
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Bus, IncomingMessage } from "../../bus/bus.js";
import {
  type HostFacts,
  type Presence,
  PresenceRecordSchema,
  PresenceSchema,
} from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../../shared/log.js";
import { mapLimited } from "../../shared/map-limited.js";
import type { StateDatabase } from "../state-database.js";
import { type HostChange, HostTable } from "./host-table.js";
import { readPresence } from "./read-presence.js";
import { RelayLives } from "./relay-lives.js";

/** A host as selectors and runs see it. Replaced, never changed, when something about it changes. */
export interface InventoryHost {
  readonly hostId: string;
  /** Unique in the inventory. */
  readonly name: string;
  readonly facts: HostFacts;
  readonly online: boolean;
  /** Offline because its relay is, and not because its daemon left. */
  readonly lostWithRelay: boolean;
  /** Differs with each attachment of its daemon. */
  readonly attachment: string;
  /** When its daemon came or went; milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** Called after a host came, went or changed; `former` is what was known of it before. */
export type HostListener = (host: InventoryHost, former: InventoryHost | undefined) => void;

/** Open until closed by its maker. */
export interface Inventory {
  /** All hosts, sorted by host id; the same array until something changes. */
  hosts(): readonly InventoryHost[];
  find(hostId: string): InventoryHost | undefined;
  /** Returns the function that ends the subscription. */
  onChange(listener: HostListener): () => void;
  /** Forgets those of these hosts that are offline, here and on the bus. Resolves with the hosts that were. */
  forget(hosts: readonly InventoryHost[]): Promise<InventoryHost[]>;
  close(): Promise<void>;
}

export interface InventoryOptions {
  /** Hosts that are offline for longer are forgotten. */
  readonly maxOfflineMs?: number;
}

/** What the product uses: thirty days. */
export const defaultMaxOfflineMs = 30 * 24 * 3600 * 1000;

const maxPresencesInFlight = 256;
const maxForgottenAtOnce = 64;
const lookEveryMs = 1_000;
const forgetEveryMs = 3600 * 1000;
const catchUpMs = 30_000;

/** Loads what is known, reads the presence topic to its present end, and follows it. */
export async function openInventory(
  bus: Bus,
  database: StateDatabase,
  log: Logger,
  { maxOfflineMs = defaultMaxOfflineMs }: InventoryOptions = {},
): Promise<Inventory> {
  const follower = new PresenceFollower(bus, database, log);
  follower.load();
  const subscription = await bus.subscribe(
    {
      topic: "presence",
      group: `inventory-${database.instanceId}`,
      from: "earliest",
      keepPosition: false,
      alone: true,
      maxInFlight: maxPresencesInFlight,
    },
    (message) => follower.accept(message),
  );
  await waitForEnd(subscription.caughtUp, log);
  const looking = setInterval(() => follower.lookForSilentRelays(), lookEveryMs).unref();
  const forgetOld = () =>
    follower
      .forgetOfflineSince(Date.now() - maxOfflineMs)
      .catch((error) => log.warn({ err: error }, "hosts that are gone for long could not be forgotten yet"));
  const forgetting = setInterval(forgetOld, forgetEveryMs).unref();
  await forgetOld();
  return {
    hosts: () => follower.hosts.sorted(),
    find: (hostId) => follower.hosts.find(hostId),
    onChange: (listener) => {
      follower.listeners.add(listener);
      return () => follower.listeners.delete(listener);
    },
    forget: (hosts) => follower.forget(hosts),
    close: async () => {
      clearInterval(looking);
      clearInterval(forgetting);
      await subscription.close();
    },
  };
}

async function waitForEnd(caughtUp: Promise<void>, log: Logger): Promise<void> {
  const over = new AbortController();
  const late = sleep(catchUpMs, "late", { signal: over.signal, ref: false }).catch(() => "over");
  if ((await Promise.race([caughtUp.then(() => "caught up"), late])) === "late") {
    log.warn({ waitedMs: catchUpMs }, "the presence topic was not read to its end yet; hosts come online as it is");
  }
  over.abort();
}

class PresenceFollower {
  readonly hosts: HostTable;
  readonly listeners = new Set<HostListener>();
  readonly #relays = new RelayLives();
  readonly #bus: Bus;
  readonly #database: StateDatabase;
  readonly #log: Logger;

  constructor(bus: Bus, database: StateDatabase, log: Logger) {
    this.#bus = bus;
    this.#database = database;
    this.#log = log;
    this.hosts = new HostTable((presence) => this.#relays.isAlive(presence));
  }

  load(): void {
    for (const { value } of this.#database.hosts.getRange()) this.hosts.load(fromBinary(PresenceSchema, value));
  }

  /** A word is applied when it is heard, in order; only its way to the disk overlaps with the next ones. */
  async accept(message: IncomingMessage): Promise<void> {
    const word = readPresence(message, this.#log);
    if (word.case === "host") await this.#acceptHost(word.value);
    if (word.case === "relay" && this.#relays.heard(word.value)) this.#refresh(word.value.relayId);
    if (word.case === "forgotten") await this.#acceptForgotten(word.value);
  }

  lookForSilentRelays(): void {
    for (const relayId of this.#relays.fallenSilent(lookEveryMs)) {
      const hosts = this.#refresh(relayId);
      this.#log.warn({ relayId, hosts }, "a relay says nothing any more; its hosts are taken to be offline");
    }
  }

  async forget(hosts: readonly InventoryHost[]): Promise<InventoryHost[]> {
    const offline = hosts.filter(({ hostId }) => this.hosts.find(hostId)?.online === false);
    await mapLimited(offline, maxForgottenAtOnce, async ({ hostId }) => {
      await this.#bus.publish("presence", { key: hostId, value: new Uint8Array() });
      await this.#remove(hostId);
    });
    return offline;
  }

  async forgetOfflineSince(timeMs: number): Promise<void> {
    const forgotten = await this.forget(this.hosts.sorted().filter((host) => !host.online && host.sinceMs < timeMs));
    if (forgotten.length > 0)
      this.#log.info({ hosts: forgotten.length }, "hosts that were gone for long are forgotten");
  }

  async #acceptHost(presence: Presence): Promise<void> {
    if (this.#relays.heardOf(presence)) this.#refresh(presence.relayId);
    const change = this.hosts.apply(presence);
    if (!change) return;
    this.#tell(change);
    await this.#database.hosts.put(change.host.hostId, Buffer.from(toBinary(PresenceSchema, presence)));
  }

  // Somebody forgot the host while it came back: the word that it is there is put where it was.
  async #acceptForgotten(hostId: string): Promise<void> {
    const presence = this.hosts.presenceOf(hostId);
    if (!presence) return;
    if (!this.hosts.find(hostId)?.online) return await this.#remove(hostId);
    const record = create(PresenceRecordSchema, { record: { case: "host", value: presence } });
    await this.#bus.publish("presence", { key: hostId, value: toBinary(PresenceRecordSchema, record) });
  }

  async #remove(hostId: string): Promise<void> {
    this.hosts.remove(hostId);
    await this.#database.hosts.remove(hostId);
  }

  #refresh(relayId: string): number {
    const changes = this.hosts.refresh(relayId);
    for (const change of changes) this.#tell(change);
    return changes.length;
  }

  #tell({ host, former }: HostChange): void {
    for (const listener of this.listeners) listener(host, former);
  }
}
