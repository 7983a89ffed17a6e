// How the brokers are reached, and what topics look like when they have to be created.
import type { Logger } from "../../shared/log.js";
import type { BusOptions } from "../bus.js";

export interface KafkaBusOptions extends BusOptions {
  /** HOST:PORT of at least one; the others are found through it. */
  readonly brokers: readonly string[];
  /** Part of every topic's name. */
  readonly fleetId: string;
  readonly log: Logger;
  /** Names this process to the brokers, in their logs and quotas. */
  readonly clientId?: string;
  /** Absent: plain text. Certificates and key as PEM; without ca those of the system are trusted. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Absent: none. */
  readonly sasl?: {
    readonly mechanism: "scram-sha-256" | "scram-sha-512" | "plain";
    readonly username: string;
    readonly password: string;
  };
  /** Replicas of each topic, when topics have to be created; by default 3, or as many as there are brokers. */
  readonly replicationFactor?: number;
  /**
   * How long a member of a group may be silent before another takes its partitions; one that closes leaves at once. By default 6 s,
   * the least that brokers allow unless told otherwise.
   */
  readonly sessionTimeoutMs?: number;
  /**
   * How long a publish and a new subscription wait for brokers that are away before they are UNREACHABLE; 10 s and 30 s by default.
   */
  readonly patienceMs?: number;
}
