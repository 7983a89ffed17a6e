// Hosts of the fleet, from the presence topic: in memory to be asked, on disk to be known again at once after a restart.
//
// Who is attached is known from the bus alone: a host that is loaded from disk is offline until a relay says otherwise, and
// each start reads the compacted topic from its beginning. Where the bus lived in the process that stopped, hosts thus come
// online as they attach again, and nobody waits for one that never does.
import { randomUUID } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Bus } from "../../bus/bus.js";
import {
  type HostFacts,
  HostFactsSchema,
  type Presence,
  PresenceRecordSchema,
  PresenceSchema,
} from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../../shared/log.js";
import { validate } from "../../shared/validation.js";
import type { StateDatabase } from "../state-database.js";
import { supersedes } from "./presence-order.js";
import { assignNames } from "./unique-names.js";

/** A host as selectors and runs see it. Replaced, never changed, when something about it changes. */
export interface InventoryHost {
  readonly hostId: string;
  /** Unique in the inventory. */
  readonly name: string;
  readonly facts: HostFacts;
  readonly online: boolean;
  /** Differs with each attachment of its daemon. */
  readonly attachment: string;
  /** When its daemon came or went; milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** Called after a host came, went or changed; `former` is what was known of it before. */
export type HostListener = (host: InventoryHost, former: InventoryHost | undefined) => void;

/** Open until closed by its maker. */
export interface Inventory {
  /** All hosts, sorted by host id. */
  hosts(): readonly InventoryHost[];
  find(hostId: string): InventoryHost | undefined;
  /** Returns the function that ends the subscription. */
  onChange(listener: HostListener): () => void;
  close(): Promise<void>;
}

const maxPresencesInFlight = 256;

/** Loads what is known and follows the presence topic. */
export async function openInventory(bus: Bus, database: StateDatabase, log: Logger): Promise<Inventory> {
  const hosts = new HostTable();
  for (const { value } of database.hosts.getRange()) hosts.load(fromBinary(PresenceSchema, value));
  const listeners = new Set<HostListener>();
  const accept = async (value: Uint8Array) => {
    const presence = readPresence(value, log);
    if (!presence?.facts || !hosts.supersedes(presence)) return;
    const former = hosts.find(presence.facts.hostId);
    const host = hosts.apply(presence);
    for (const listener of listeners) listener(host, former);
    await database.hosts.put(host.hostId, Buffer.from(toBinary(PresenceSchema, presence)));
  };
  // A presence is applied when its handler is called, in order; only its way to the disk overlaps with the next ones.
  const subscription = await bus.subscribe(
    {
      topic: "presence",
      group: `inventory-${randomUUID()}`,
      from: "earliest",
      maxInFlight: maxPresencesInFlight,
    },
    (message) => accept(message.value),
  );
  return {
    hosts: () => hosts.sorted(),
    find: (hostId) => hosts.find(hostId),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => subscription.close(),
  };
}

class HostTable {
  readonly #presences = new Map<string, Presence>();
  readonly #hosts = new Map<string, InventoryHost>();
  readonly #claims = new Map<string, Set<string>>();
  /** When the host came or went, by host id. */
  readonly #since = new Map<string, number>();
  #sorted: readonly InventoryHost[] | undefined;

  find(hostId: string): InventoryHost | undefined {
    return this.#hosts.get(hostId);
  }

  sorted(): readonly InventoryHost[] {
    this.#sorted ??= [...this.#hosts.values()].sort((a, b) => (a.hostId < b.hostId ? -1 : 1));
    return this.#sorted;
  }

  supersedes(presence: Presence): boolean {
    return supersedes(presence, this.#presences.get(presence.facts?.hostId ?? ""));
  }

  /** Takes what an earlier life of the control plane knew; that the host is attached it cannot know. */
  load(presence: Presence): void {
    const sinceMs = presence.online ? Date.now() : timeOf(presence);
    this.apply({ ...presence, online: false }, sinceMs);
  }

  apply(presence: Presence, sinceMs = timeOf(presence)): InventoryHost {
    const facts = presence.facts as HostFacts;
    this.#since.set(facts.hostId, sinceMs);
    const former = this.#presences.get(facts.hostId)?.facts?.name;
    this.#presences.set(facts.hostId, presence);
    if (former !== undefined && former !== facts.name) {
      this.#claims.get(former)?.delete(facts.hostId);
      this.#rename(former);
    }
    const claims = this.#claims.get(facts.name) ?? new Set();
    this.#claims.set(facts.name, claims.add(facts.hostId));
    this.#rename(facts.name);
    return this.#hosts.get(facts.hostId) as InventoryHost;
  }

  #rename(name: string): void {
    const ids = [...(this.#claims.get(name) ?? [])];
    const claimants = ids.map((id) => this.#presences.get(id) as Presence);
    for (const [hostId, unique] of assignNames(claimants)) {
      const { facts, online, relayId, relayLife, attachment } = this.#presences.get(hostId) as Presence;
      const sinceMs = this.#since.get(hostId) ?? 0;
      this.#hosts.set(hostId, {
        hostId,
        name: unique,
        facts: facts as HostFacts,
        online,
        attachment: `${relayId}/${relayLife}/${attachment}`,
        sinceMs,
      });
    }
    this.#sorted = undefined;
  }
}

function timeOf({ at }: Presence): number {
  return at ? timestampMs(at) : 0;
}

// A presence that is not valid says nothing about any host: it is dropped, and the log says so.
function readPresence(value: Uint8Array, log: Logger): Presence | undefined {
  try {
    const { record } = fromBinary(PresenceRecordSchema, value);
    if (record.case !== "host") return undefined;
    const presence = record.value;
    if (!presence.facts) throw new Error("it has no facts");
    validate(HostFactsSchema, presence.facts);
    return presence;
  } catch (error) {
    log.warn({ reason: String(error), bytes: value.length }, "a presence message is not valid and was dropped");
    return undefined;
  }
}
