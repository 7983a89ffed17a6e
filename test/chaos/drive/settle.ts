// When all is quiet again: waits for the end of every run, finds those whose client heard nothing, and opens them all.
import { setTimeout as sleep } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { RolloutState } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { RunHistory } from "../history.js";
import type { World } from "../world/world.js";
import { look } from "./drive-run.js";
import type { FleetClient } from "./fleet-client.js";

const settledEveryMs = 150;
// What a run may take beyond its time to end on disk.
const endWithinMs = 20_000;
const callTimeoutMs = 5_000;
const pageSize = 1_000;

/**
 * Looks at every run when it has ended, or when its time is over for long. Adds those that nobody was told of. `onTrouble` is told of a
 * control plane that cannot be asked.
 */
export async function settle(
  runs: RunHistory[],
  world: World,
  sinceMs: number,
  onTrouble: (what: string) => void,
): Promise<void> {
  for (const [index, client] of world.clients.entries()) {
    try {
      runs.push(...(await findStrays(runs, index, client, sinceMs)));
    } catch (error) {
      onTrouble(`control plane ${index} cannot be asked for its runs: ${error}`);
    }
  }
  await Promise.all(
    runs.map(async (run) => {
      const client = world.clients[run.controlPlane];
      if (!client) return;
      await findUnacknowledged(run, client);
      if (run.runId === undefined) return;
      const waves = run.isRollout ? run.hosts.length : 1;
      const deadline = run.requestedAtMs + run.timeoutMs * waves + run.queueMs + endWithinMs;
      while (!(await hasEnded(run.runId, client)) && Date.now() < deadline) await sleep(settledEveryMs);
      await look(run, client, "settled");
    }),
  );
}

// A commit whose client heard nothing may have become a run all the same; its plan says so.
async function findUnacknowledged(run: RunHistory, client: FleetClient): Promise<void> {
  if (run.runId !== undefined || run.planHash === undefined) return;
  try {
    const runId = await client.runOfPlan(run.planHash);
    if (runId !== undefined) run.runId = runId;
  } catch (error) {
    run.error ??= `plan: ${error}`;
  }
}

// A rollout that has halted goes on, or ends, only when somebody says so.
async function hasEnded(runId: string, { fleet }: FleetClient): Promise<boolean> {
  try {
    const { run } = await fleet.getRun({ runId }, { timeoutMs: callTimeoutMs });
    if (run?.rollout?.state === RolloutState.HALTED) await fleet.cancelRun({ runId }, { timeoutMs: callTimeoutMs });
    return run?.finishedAt !== undefined && run.accounting?.queued === 0;
  } catch {
    // The last look says why, when there is one.
    return false;
  }
}

// Runs of this epoch that no client was told of, and those that the control plane makes itself: health checks of waves.
async function findStrays(
  runs: readonly RunHistory[],
  controlPlane: number,
  client: FleetClient,
  sinceMs: number,
): Promise<RunHistory[]> {
  const known = new Set(runs.map(({ runId }) => runId));
  const { runs: listed } = await client.fleet.listRuns({ pageSize }, { timeoutMs: callTimeoutMs });
  const strays = listed.filter(({ runId, startedAt, planHash }) => {
    return !known.has(runId) && planHash === "" && startedAt && timestampMs(startedAt) >= sinceMs;
  });
  return Promise.all(
    strays.map(async ({ runId, startedAt, deadline, accounting }) => {
      const requestedAtMs = startedAt ? timestampMs(startedAt) : sinceMs;
      const timeoutMs = (deadline ? timestampMs(deadline) : requestedAtMs) - requestedAtMs;
      const hosts = (await client.openRun(runId, "found")).hosts.map(({ name }) => name);
      const told = { accounts: [], completed: false, views: [], targeted: accounting?.targeted ?? 0 };
      const asked = { kind: "read", controlPlane, requestedAtMs, timeoutMs, queueMs: 0, isRollout: false } as const;
      return { label: `stray ${runId}`, subject: "", runId, hosts, ...asked, ...told };
    }),
  );
}
