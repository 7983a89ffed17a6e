// The control plane: inventory, selectors, runs, plans and results behind fleet.v1.FleetService. It meets relays only on
// the bus; nothing here talks to a host.
import type { ConnectRouter } from "@connectrpc/connect";
import type { Bus } from "../bus/bus.js";
import { FleetService } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { SigningKey } from "../identity/signing-key.js";
import type { Logger } from "../shared/log.js";
import { type FleetCounters, type FleetGauges, newFleetCounters } from "./fleet-counters.js";
import { fleetService } from "./fleet-service.js";
import { type InventoryOptions, openInventory } from "./inventory/inventory.js";
import { defaultRetention, type Retention, startRetention } from "./results/retention.js";
import { summarizeTrackedRun } from "./results/summarize-tracked-run.js";
import { countSteps } from "./rollout/count-steps.js";
import { rolloutLines } from "./rollout/describe-rollout.js";
import { openRolloutManager } from "./rollout/rollout-manager.js";
import { defaultRunLimits, type RunLimits } from "./run/admission.js";
import { openRunManager } from "./run/run-manager.js";
import { defaultPatience, type Patience } from "./run/waiting.js";
import { openStateDatabase } from "./state-database.js";

export interface FleetOptions {
  /** Stays open when the fleet closes. */
  readonly bus: Bus;
  readonly fleetId: string;
  readonly signingKey: SigningKey;
  /** Belongs to this control plane alone. */
  readonly stateDirectory: string;
  readonly log: Logger;
  /** The partition of the replies topic that belongs to this control plane; 0 when there is only one. */
  readonly replyPartition?: number;
  /** How long hosts that went away are waited for. */
  readonly patience?: Patience;
  readonly retention?: Retention;
  readonly inventory?: InventoryOptions;
  /** How many runs go on at the same time; what is not given is the product's. */
  readonly limits?: Partial<RunLimits>;
}

/** A control plane at work. */
export interface Fleet {
  /** Adds FleetService to a server that authenticates and validates requests. */
  readonly routes: (router: ConnectRouter) => void;
  counters(): Readonly<FleetCounters>;
  gauges(): FleetGauges;
  /** Unfinished runs go on at the next start, while their deadline is in the future. */
  close(): Promise<void>;
}

/** Resolves when presence and replies flow. */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { bus, fleetId, signingKey, log, retention = defaultRetention } = options;
  const instance = options.replyPartition ?? 0;
  const database = openStateDatabase(options.stateDirectory);
  const counters = newFleetCounters();
  const inventory = await openInventory(bus, database, log, options.inventory);
  const runs = await openRunManager({
    bus,
    database,
    inventory,
    log,
    issuer: { fleetId, signingKey, replyPartition: instance },
    patience: options.patience ?? defaultPatience,
    limits: { ...defaultRunLimits, ...options.limits },
    counters,
  });
  const labelOf = (hostId: string, label: string) => inventory.find(hostId)?.facts.labels[label] ?? "";
  const rollouts = openRolloutManager({ database, runs, labelOf, log });
  const stopRetention = startRetention(database, retention, (runId) => runs.forget(runId), log);
  const stopping = new AbortController();
  const service = fleetService({
    stopping: stopping.signal,
    database,
    inventory,
    runs,
    rollouts,
    instance,
    summarize: (run, tokenBudget) => {
      const notes = rolloutLines(rollouts.find(run.record.runId), run);
      return summarizeTrackedRun(database, run, { tokenBudget, retentionMs: retention.maxAgeMs, notes });
    },
  });
  return {
    routes: (router) => {
      router.service(FleetService, service);
    },
    counters: () => structuredClone(counters),
    gauges() {
      const hosts = inventory.hosts();
      const hostsOnline = hosts.filter(({ online }) => online).length;
      const hostsOffline = hosts.length - hostsOnline;
      return { ...runs.gauges(), hostsOnline, hostsOffline, rollouts: countSteps(rollouts.open.values()) };
    },
    close: async () => {
      stopping.abort();
      await stopRetention();
      await rollouts.close();
      await runs.close();
      await inventory.close();
      await database.close();
    },
  };
}
