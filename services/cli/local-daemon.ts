// This machine as a host of the control plane in the same process, over the same relay as every other host.
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../daemon/start-daemon.js";
import type { Metrics } from "../metrics/metrics.js";
import { getOSProvider } from "../providers/get-os-provider.js";
import { ErrorReason, failure, hasReason } from "../shared/errors.js";
import { createLogger } from "../shared/log.js";
import { openAll } from "./closer.js";
import type { ControlPlane } from "./control-plane.js";
import { localPrincipal } from "./fleet-client.js";
import { lockStateDirectory, statePaths } from "./state-directory.js";

export interface LocalDaemonOptions {
  readonly controlPlane: ControlPlane;
  /** URL of the relay in this process. */
  readonly relay: string;
  readonly fleetId: string;
  readonly name: string;
  readonly label: Record<string, string>;
  readonly stateDirectory: string;
  readonly metrics?: Metrics | undefined;
}

const attachTimeoutMs = 10_000;
const attachPollMs = 20;

/** Resolves when the fleet knows this machine by its name. */
export function startLocalDaemon(options: LocalDaemonOptions): Promise<{ close(): Promise<void> }> {
  const { controlPlane, relay, fleetId, name, label, stateDirectory, metrics } = options;
  const log = createLogger("daemon");
  const { daemon } = statePaths(stateDirectory);
  return openAll(async (closer) => {
    closer.add(await lockStateDirectory(daemon));
    const provider = closer.add(await getOSProvider({ log, stateDirectory: daemon }));
    const own = closer.add(
      await startDaemon({
        provider,
        relayUrls: [relay],
        fleetId,
        verifyingKey: controlPlane.verifyingKey,
        stateDirectory: daemon,
        name,
        labels: label,
        log,
      }),
    );
    metrics?.show({ daemon: own });
    await waitUntilOnline(options);
    return closer;
  });
}

async function waitUntilOnline({ controlPlane, relay, name }: LocalDaemonOptions): Promise<void> {
  const fleet = controlPlane.fleetFor(localPrincipal);
  for (const deadline = Date.now() + attachTimeoutMs; Date.now() < deadline; await sleep(attachPollMs)) {
    try {
      if ((await fleet.findHosts({ selector: name })).onlineCount > 0) return;
    } catch (error) {
      if (!hasReason(error, ErrorReason.UNKNOWN_HOST)) throw error;
    }
  }
  throw failure(ErrorReason.UNREACHABLE, `this machine's daemon did not attach within ${attachTimeoutMs} ms`, {
    metadata: { address: relay },
    remedy: "set SYSTEMS_MANAGER_LOG=debug and look at what the daemon says",
  });
}
