// A run whose targets are sent their command in parts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "../../../services/bus/bus.js";
import { openEmbeddedBus } from "../../../services/bus/embedded/open-embedded-bus.js";
import { newFleetCounters } from "../../../services/fleet/fleet-counters.js";
import { type Inventory, openInventory } from "../../../services/fleet/inventory/inventory.js";
import { defaultRunLimits } from "../../../services/fleet/run/admission.js";
import { openRunManager, type RunManager } from "../../../services/fleet/run/run-manager.js";
import type { TrackedRun } from "../../../services/fleet/run/tracked-run.js";
import { openStateDatabase, type StateDatabase } from "../../../services/fleet/state-database.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { generateSigningKey } from "../../../services/identity/signing-key.js";
import { createLogger } from "../../../services/shared/log.js";
import { findOperation } from "../../../services/shared/operations.js";
import { eventually } from "./eventually.js";
import { answers, listServices } from "./fleet-under-test.js";
import { type SimulatedHosts, simulateHosts } from "./simulated-hosts.js";

const signingKey = generateSigningKey();
const names = ["a", "b", "c", "d"];
const timeoutMs = 10_000;

let directory: string;
let bus: Bus;
let hosts: SimulatedHosts;
let database: StateDatabase;
let inventory: Inventory;
let runs: RunManager;

async function open(): Promise<void> {
  database = openStateDatabase(directory);
  const log = createLogger("dispatch-test");
  inventory = await openInventory(bus, database, log);
  const issuer = { fleetId: "test", signingKey, replyPartition: 0 };
  const patience = { detachGraceMs: 100, changeGraceMs: 100, relayGraceMs: 100 };
  const [limits, counters] = [defaultRunLimits, newFleetCounters()];
  runs = await openRunManager({ bus, database, inventory, log, issuer, patience, limits, counters });
}

async function close(): Promise<void> {
  await runs.close();
  await inventory.close();
  await database.close();
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "dispatch-"));
  bus = openEmbeddedBus();
  hosts = await simulateHosts(bus, signingKey.verifyingKey, answers);
  await open();
  for (const name of names) await hosts.attach(name);
  await eventually(() => expect(inventory.hosts()).toHaveLength(names.length));
});

afterEach(async () => {
  await close();
  await hosts.close();
  await bus.close();
  rmSync(directory, { recursive: true });
});

function hold(more: Partial<Parameters<RunManager["start"]>[0]> = {}): Promise<TrackedRun> {
  const operation = findOperation(listServices);
  const targets = inventory.hosts().map(({ hostId, name }) => ({ hostId, name }));
  const order = { operation, request: new Uint8Array(), selector: "all", principal: "local", targets, timeoutMs };
  return runs.start({ ...order, held: true, ...more });
}

test("nothing is sent to a held run's hosts until their turn comes; replies to each part count", async () => {
  const run = await hold();
  expect(hosts.commands).toHaveLength(0);
  expect(run.account.queued).toBe(4);
  await runs.dispatch(run, { indexes: [2, 0], timeoutMs });
  await eventually(() => expect(run.account.count(HostState.OK)).toBe(2));
  expect([0, 1, 2, 3].map((index) => run.account.stateOf(index) === HostState.OK)).toEqual([true, false, true, false]);
  expect(run.isConcluded).toBe(false);
  await runs.dispatch(run, { indexes: [1, 3], timeoutMs });
  await run.finished;
  expect(run.account.count(HostState.OK)).toBe(4);
  expect(hosts.commands).toHaveLength(2);
});

test("what was dispatched is not dispatched again, in this life or the next", async () => {
  const run = await hold();
  await runs.dispatch(run, { indexes: [0, 1], timeoutMs });
  await eventually(() => expect(run.account.count(HostState.OK)).toBe(2));
  await runs.dispatch(run, { indexes: [0, 1], timeoutMs });
  await close();
  await open();
  await eventually(() => expect(inventory.hosts().filter((host) => host.online)).toHaveLength(4));
  const again = runs.find(run.record.runId) as TrackedRun;
  expect(again.account.count(HostState.OK)).toBe(2);
  await runs.dispatch(again, { indexes: [0, 1, 2, 3], timeoutMs });
  await again.finished;
  expect(hosts.invoked).toHaveLength(4);
});

test("each part has its own deadline; hosts whose turn did not come are EXPIRED at the run's", async () => {
  hosts.behave("a", () => {});
  const run = await hold({ timeoutMs: 600 });
  const index = run.targets.findIndex(({ name }) => name === "a");
  await runs.dispatch(run, { indexes: [index], timeoutMs: 200 });
  await eventually(() => expect(run.account.count(HostState.NO_ANSWER)).toBe(1));
  expect(run.account.queued).toBe(3);
  await run.finished;
  expect(run.account.count(HostState.EXPIRED)).toBe(3);
  expect(run.answerOf((index + 1) % 4)?.problem?.message).toMatch(/before it came to the host; nothing was sent/);
});

test("a caller can be answered before the last part is sent", async () => {
  const run = await hold();
  await runs.dispatch(run, { indexes: [0], timeoutMs });
  await eventually(() => expect(run.account.count(HostState.OK)).toBe(1));
  run.conclude();
  await run.concluded;
  expect(run.toMessage()).toMatchObject({ revision: 1, accounting: { ok: 1, queued: 3 } });
  await runs.cancel(run);
  expect(run.toMessage()).toMatchObject({ revision: 2, accounting: { ok: 1, cancelled: 3, queued: 0 } });
});

test("targets of several parts that lie apart are all found again", async () => {
  const run = await hold();
  await runs.dispatch(run, { indexes: [3, 1, 1, 3], timeoutMs });
  await eventually(() => expect(run.account.count(HostState.OK)).toBe(2));
  expect(run.commands.all.map(({ spans }) => spans)).toEqual([[1, 2, 3, 4]]);
  expect(run.commands.unsent).toBe(2);
});
