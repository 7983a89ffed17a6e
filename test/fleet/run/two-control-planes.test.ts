// Two control planes side by side on one bus: each its own state, its own partition of the replies, and its own runs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFleet, type Fleet } from "../../../services/fleet/fleet.js";
import { createLogger } from "../../../services/shared/log.js";
import { ask, reasonOf } from "./ask.js";
import { collect, readStarted } from "./collect.js";
import { eventually } from "./eventually.js";
import {
  clientOf,
  type FleetClient,
  type FleetUnderTest,
  listServices,
  services,
  startFleet,
} from "./fleet-under-test.js";
import { ok, type SimulatedCall } from "./simulated-hosts.js";

let first: FleetUnderTest;
let second: Fleet;
let client: FleetClient;
let directory: string;
let held: SimulatedCall[];

function openSecond(replyPartition: number, stateDirectory = directory): Promise<Fleet> {
  const { bus, signingKey } = first;
  const log = createLogger("second");
  return createFleet({ bus, signingKey, fleetId: "test", stateDirectory, log, replyPartition });
}

beforeEach(async () => {
  held = [];
  first = await startFleet({ usual: (call) => void held.push(call) });
  directory = mkdtempSync(join(tmpdir(), "second-"));
  second = await openSecond(1);
  client = clientOf(() => second, "local");
  await first.attach("a", "b");
});

afterEach(async () => {
  await second.close();
  await first.close();
  rmSync(directory, { recursive: true });
});

test("both see all hosts, and each gets the answers to its own runs", async () => {
  await eventually(async () => expect((await client.findHosts({ selector: "online" })).matchedCount).toBe(2));
  const mine = collect(ask(first, "a"));
  const theirs = collect(client.run({ selector: "all", method: listServices }));
  await eventually(() => expect(held).toHaveLength(3));
  for (const call of held) await call.reply(ok(services(`${call.name}.service`)));
  expect((await mine).accounting).toMatchObject({ targeted: 1, ok: 1 });
  expect((await theirs).accounting).toMatchObject({ targeted: 2, ok: 2 });
  const sum = (fleet: Pick<Fleet, "counters">) => fleet.counters().repliesAccounted;
  expect([sum(first), sum(second)]).toEqual([1, 2]);
});

test("asked for the other's run, one says whose it is", async () => {
  const { runId } = await readStarted(ask(first));
  const call = client.getRun({ runId });
  await expect(call).rejects.toThrow(/belongs to control plane 0; this is 1; ask control plane 0/);
  expect(await reasonOf(call)).toBe("UNKNOWN_RUN");
  await expect(client.cancelRun({ runId })).rejects.toThrow(/belongs to control plane 0/);
  await first.client.cancelRun({ runId });
  const unknown = `${runId.slice(0, -4)}0001`;
  await expect(client.getRun({ runId: unknown })).rejects.toThrow(/no run has the id/);
});

test("a host that one forgets, both forget; one that is online, neither does", async () => {
  await first.detach("b");
  await eventually(async () => expect((await client.findHosts({ selector: "b" })).onlineCount).toBe(0));
  expect(await first.client.forgetHosts({ selector: "all" })).toMatchObject({ forgotten: ["b"], keptCount: 1 });
  await eventually(async () => expect((await client.findHosts({ selector: "all" })).matchedCount).toBe(1));
  expect(await reasonOf(client.findHosts({ selector: "b" }))).toBe("UNKNOWN_HOST");
  await first.attach("b");
  await eventually(async () => expect((await client.findHosts({ selector: "all" })).matchedCount).toBe(2));
});

test("two that were given the same number by mistake take no answer away from each other", async () => {
  const other = mkdtempSync(join(tmpdir(), "third-"));
  const third = await openSecond(1, other);
  const thirdClient = clientOf(() => third, "local");
  await eventually(async () => expect((await thirdClient.findHosts({ selector: "online" })).matchedCount).toBe(2));
  const runs = [collect(client.run({ selector: "a", method: listServices }))];
  runs.push(collect(thirdClient.run({ selector: "all", method: listServices })));
  await eventually(() => expect(held).toHaveLength(3));
  for (const call of held) await call.reply(ok(services("a.service")));
  expect((await Promise.all(runs)).map(({ accounting }) => accounting.ok)).toEqual([1, 2]);
  await eventually(() => expect(second.counters().repliesUnknownRun).toBe(2));
  await eventually(() => expect(third.counters().repliesUnknownRun).toBe(1));
  await third.close();
  rmSync(other, { recursive: true });
});
