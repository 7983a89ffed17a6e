// What is said of hosts that are not waited for any longer.
import { ErrorReason } from "../../shared/errors.js";
import type { InventoryHost } from "../inventory/inventory.js";
import type { CommandRecord, HostProblem } from "./run-record.js";
import type { TrackedRun } from "./tracked-run.js";

/** The host is offline. */
export function awayProblem(run: TrackedRun, host: InventoryHost | undefined): HostProblem {
  const since = host ? new Date(host.sinceMs).toISOString() : "an unknown time";
  const remedy = "start its daemon, then ask again";
  const began = "look whether it began the change; if its daemon comes back and says so, that still counts";
  return {
    reason: ErrorReason.UNREACHABLE,
    message: `the host is offline since ${since}`,
    remedy: run.record.planHash === "" ? remedy : began,
    metadata: { address: host?.name ?? "", since },
  };
}

/** The host is there and said nothing to this command, or to whatever the run sent it. */
export function deadlineProblem({ record, delivers }: TrackedRun, command?: CommandRecord): HostProblem {
  const timeout = `${(command?.timeoutMs ?? record.deadlineMs - record.startedAtMs) / 1000}s`;
  return {
    reason: ErrorReason.DEADLINE_EXCEEDED,
    message: `the host did not answer within ${timeout}`,
    remedy: delivers
      ? `look at its daemon's log; should it attach anew before ${new Date(record.deliverUntilMs).toISOString()}, it is sent the command again`
      : "ask it again with a longer timeout, or look at its daemon's log",
    metadata: { timeout },
  };
}

/** The host did not come back in time to get the command, or to say what became of it. */
export function undeliveredProblem({ record }: TrackedRun): HostProblem {
  const expiresAt = new Date(record.deliverUntilMs).toISOString();
  const remedy = "start its daemon, then ask again";
  const began = "look whether it began the change before it went away; if its daemon says so later, that still counts";
  return {
    reason: ErrorReason.COMMAND_EXPIRED,
    message: `the host was away until the command expired at ${expiresAt}`,
    remedy: record.planHash === "" ? remedy : began,
    metadata: { expires_at: expiresAt, now: expiresAt },
  };
}

/** The host's turn in a run that goes on in parts did not come. */
export function neverSentProblem({ record }: TrackedRun): HostProblem {
  const expiresAt = new Date(record.deliverUntilMs).toISOString();
  return {
    reason: ErrorReason.COMMAND_EXPIRED,
    message: `the run ended at ${expiresAt}, before it came to the host; nothing was sent to it`,
    remedy: "start another run for the hosts that are left",
    metadata: { expires_at: expiresAt, now: expiresAt },
  };
}
