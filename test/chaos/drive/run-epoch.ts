// One epoch: orders and faults as scheduled, then quiet, then a look at every run; what comes out is its history.
import { setTimeout as sleep } from "node:timers/promises";
import { mapLimited } from "../../../services/shared/map-limited.js";
import type { EpochHistory, RunHistory } from "../history.js";
import type { EpochSchedule, PlannedOrder } from "../schedule/schedule.js";
import { startAgain } from "../world/managed-process.js";
import { readExecutions } from "../world/read-executions.js";
import type { World } from "../world/world.js";
import { createChaosEvents } from "./chaos-events.js";
import { prepareOrder } from "./drive-order.js";
import { look, type OrderContext } from "./drive-run.js";
import { injectFaults } from "./inject-faults.js";
import { settle } from "./settle.js";

const wholeWithinMs = 60_000;
// Plans that are made ahead at the same time; a principal has a bound.
const preparing = 6;
const calmTimeoutMs = 20_000;

/** Leaves the world whole, or the history says what is not. */
export async function runEpoch(
  schedule: EpochSchedule,
  world: World,
  orderedBefore: EpochHistory["orderedBefore"],
): Promise<EpochHistory> {
  const { seed, orders, lastKill } = schedule;
  const startedAtMs = Date.now();
  const runs: RunHistory[] = [];
  const incidents: string[] = [];
  const events = createChaosEvents();
  const context: OrderContext = { seed, world, events, runs };
  const ready = await mapLimited([...orders.entries()], preparing, ([index, order]) =>
    prepareOrder(order, index, context),
  );
  const noteTrouble = (what: string) => void incidents.push(what);
  const injector = injectFaults(schedule, world, events, noteTrouble);
  const driven = ready.map(async (give, index) => {
    await sleep(orders[index]?.atMs);
    await give();
  });
  await injector.done;
  await expectWhole(world, incidents);
  await Promise.all(driven);
  await driveAll(calmOrders(world), orders.length, context);
  await settle(runs, world, startedAtMs, noteTrouble);
  if (lastKill !== undefined) await killAndLook(lastKill % world.controlPlanes.length, runs, world, incidents);
  const executions = world.emulators.flatMap(readExecutions);
  incidents.push(...world.takeIncidents());
  return { seed, hosts: world.hosts, runs, faults: injector.records, orderedBefore, executions, incidents };
}

async function driveAll(orders: readonly PlannedOrder[], firstIndex: number, context: OrderContext): Promise<void> {
  const drive = async (order: PlannedOrder, index: number) =>
    (await prepareOrder(order, firstIndex + index, context))();
  await Promise.all(orders.map(drive));
}

async function expectWhole(world: World, incidents: string[]): Promise<void> {
  const missing = await world.waitUntilWhole(wholeWithinMs);
  if (missing) incidents.push(`${wholeWithinMs} ms after the last fault ${missing}`);
}

const calmRollout = { canary: 1, batch: 10, maxFailed: 0, isResumed: false };

// After the storm everything must work, with nothing to excuse it.
function calmOrders({ controlPlanes }: World): PlannedOrder[] {
  const common = {
    atMs: 0,
    isPlannedAhead: false,
    selector: { by: "all" },
    timeoutMs: calmTimeoutMs,
    queueMs: 0,
  } as const;
  return controlPlanes.flatMap((_, controlPlane) => [
    { ...common, controlPlane, kind: "read", operation: "ListServices" } as const,
    { ...common, controlPlane, kind: "change", operation: "" } as const,
    { ...common, controlPlane, kind: "change", operation: "", rollout: calmRollout } as const,
  ]);
}

async function killAndLook(
  index: number,
  runs: readonly RunHistory[],
  world: World,
  incidents: string[],
): Promise<void> {
  const process = world.controlPlanes[index]?.process;
  const client = world.clients[index];
  if (!process || !client) return;
  await process.kill();
  await startAgain(process);
  await expectWhole(world, incidents);
  for (const run of runs.filter(({ controlPlane }) => controlPlane === index)) await look(run, client, "restarted");
}
