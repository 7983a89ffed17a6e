// Hosts by id and by name, as the newest presence of each says, and as the life of its relay allows.
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { HostFacts, Presence } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { InventoryHost } from "./inventory.js";
import { supersedes } from "./presence-order.js";
import { assignNames } from "./unique-names.js";

/** A host before and after something about it changed. */
export interface HostChange {
  readonly former: InventoryHost | undefined;
  readonly host: InventoryHost;
}

interface Known {
  /** As its relay said it. */
  readonly presence: Presence;
  /** The same, offline when that relay does not live. */
  readonly effective: Presence;
  /** When its daemon came or went. */
  readonly sinceMs: number;
}

export class HostTable {
  readonly #lives: (presence: Presence) => boolean;
  readonly #known = new Map<string, Known>();
  readonly #hosts = new Map<string, InventoryHost>();
  /** Host ids by the name that they claim. */
  readonly #claims = new Map<string, Set<string>>();
  #ids: readonly string[] | undefined;
  #sorted: readonly InventoryHost[] | undefined;

  /** `lives` tells whether the relay of an online presence lives. */
  constructor(lives: (presence: Presence) => boolean) {
    this.#lives = lives;
  }

  find(hostId: string): InventoryHost | undefined {
    return this.#hosts.get(hostId);
  }

  /** The same array until something changes. */
  sorted(): readonly InventoryHost[] {
    this.#ids ??= [...this.#hosts.keys()].sort();
    this.#sorted ??= this.#ids.map((hostId) => this.#hosts.get(hostId) as InventoryHost);
    return this.#sorted;
  }

  /** What the host's relay said last. */
  presenceOf(hostId: string): Presence | undefined {
    return this.#known.get(hostId)?.presence;
  }

  /** Takes what an earlier life of the control plane knew; that the host is attached it cannot know. */
  load(presence: Presence): void {
    const sinceMs = presence.online ? Date.now() : timeOf(presence);
    this.#put({ ...presence, online: false }, sinceMs);
  }

  /** Undefined when more is known already. */
  apply(presence: Presence): HostChange | undefined {
    const hostId = presence.facts?.hostId ?? "";
    if (!supersedes(presence, this.presenceOf(hostId))) return undefined;
    const former = this.#hosts.get(hostId);
    this.#put(presence, timeOf(presence));
    return { former, host: this.#hosts.get(hostId) as InventoryHost };
  }

  /** The relay's life has changed. Gives the hosts that came or went with it. */
  refresh(relayId: string): HostChange[] {
    const changes: HostChange[] = [];
    for (const [hostId, { presence, effective }] of this.#known) {
      if (presence.relayId !== relayId || this.#isOnline(presence) === effective.online) continue;
      const former = this.#hosts.get(hostId);
      this.#put(presence, effective.online ? Date.now() : timeOf(presence));
      changes.push({ former, host: this.#hosts.get(hostId) as InventoryHost });
    }
    return changes;
  }

  remove(hostId: string): void {
    const name = this.presenceOf(hostId)?.facts?.name;
    if (!this.#known.delete(hostId) || name === undefined) return;
    this.#hosts.delete(hostId);
    this.#ids = undefined;
    this.#unclaim(name, hostId);
  }

  #isOnline(presence: Presence): boolean {
    return presence.online && this.#lives(presence);
  }

  #put(presence: Presence, sinceMs: number): void {
    const { hostId, name } = presence.facts as HostFacts;
    const former = this.presenceOf(hostId)?.facts?.name;
    if (former === undefined) this.#ids = undefined;
    const online = this.#isOnline(presence);
    const effective = online === presence.online ? presence : { ...presence, online };
    this.#known.set(hostId, { presence, effective, sinceMs });
    if (former !== undefined && former !== name) this.#unclaim(former, hostId);
    const claims = this.#claims.get(name) ?? new Set();
    this.#claims.set(name, claims.add(hostId));
    this.#rename(name);
  }

  #unclaim(name: string, hostId: string): void {
    const claims = this.#claims.get(name);
    claims?.delete(hostId);
    if (claims?.size === 0) this.#claims.delete(name);
    this.#rename(name);
  }

  #rename(name: string): void {
    const claimants = [...(this.#claims.get(name) ?? [])].flatMap((hostId) => this.#known.get(hostId)?.effective ?? []);
    for (const [hostId, unique] of assignNames(claimants)) {
      const { presence, effective, sinceMs } = this.#known.get(hostId) as Known;
      const { facts, online, relayId, relayLife, attachment } = effective;
      this.#hosts.set(hostId, {
        hostId,
        name: unique,
        facts: facts as HostFacts,
        online,
        lostWithRelay: presence.online && !online,
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
