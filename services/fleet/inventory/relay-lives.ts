// Which relays live. A relay says so again and again; the hosts that it called online are so only while it does, and only in the life
// in which it called them so. A relay that never speaks of itself (life 0) is taken at its word about its hosts.
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Presence, RelayPresence } from "../../gen/systemsmanager/bus/v1/host_pb.js";

interface RelayLife {
  readonly life: bigint;
  readonly intervalMs: number;
  /** By this process's monotonic clock. */
  heardAtMs: number;
  /** It has not said that it ended. */
  readonly alive: boolean;
  silent: boolean;
}

const defaultIntervalMs = 5_000;
const missedIntervals = 3;

export class RelayLives {
  readonly #relays = new Map<string, RelayLife>();
  readonly #now: () => number;
  #lookedAtMs: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#lookedAtMs = now();
  }

  /** True when hosts that this presence calls online can be. */
  isAlive({ relayId, relayLife }: Pick<Presence, "relayId" | "relayLife">): boolean {
    if (relayLife === 0n) return true;
    const relay = this.#relays.get(relayId);
    return relay !== undefined && relay.life === relayLife && relay.alive && !relay.silent;
  }

  /** A host's presence is a word of its relay too. True when the relay's hosts may have come or gone with it. */
  heardOf({ relayId, relayLife: life, online }: Pick<Presence, "relayId" | "relayLife" | "online">): boolean {
    const known = this.#relays.get(relayId);
    if (!online || life === 0n || (known && known.life >= life)) return false;
    this.#relays.set(relayId, {
      life,
      intervalMs: defaultIntervalMs,
      heardAtMs: this.#now(),
      alive: true,
      silent: false,
    });
    return known !== undefined;
  }

  /** True when the relay's hosts may have come or gone with this. */
  heard({ relayId, life, interval, alive }: RelayPresence): boolean {
    const known = this.#relays.get(relayId);
    if (known && known.life > life) return false;
    const intervalMs = Math.max(1, interval ? durationMs(interval) : defaultIntervalMs);
    this.#relays.set(relayId, { life, intervalMs, heardAtMs: this.#now(), alive, silent: false });
    return !known || known.life !== life || known.alive !== alive || known.silent;
  }

  /** Relays that have been silent for three of their intervals since the last look. */
  fallenSilent(lookEveryMs: number): string[] {
    const now = this.#now();
    // Time in which this process itself stood still is no silence of a relay.
    const stoodStillMs = Math.max(0, now - this.#lookedAtMs - 2 * lookEveryMs);
    this.#lookedAtMs = now;
    const fallen: string[] = [];
    for (const [relayId, relay] of this.#relays) {
      relay.heardAtMs = Math.min(now, relay.heardAtMs + stoodStillMs);
      if (!relay.alive || relay.silent || now - relay.heardAtMs <= missedIntervals * relay.intervalMs) continue;
      relay.silent = true;
      fallen.push(relayId);
    }
    return fallen;
  }

  /** Relays by whether they live. */
  counts(): { alive: number; gone: number } {
    const alive = [...this.#relays.values()].filter((relay) => relay.alive && !relay.silent).length;
    return { alive, gone: this.#relays.size - alive };
  }
}
