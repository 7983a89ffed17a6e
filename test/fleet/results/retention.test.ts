import { afterEach, expect, test, vi } from "vitest";
import { collect } from "../run/collect.js";
import { eventually } from "../run/eventually.js";
import { type FleetUnderTest, listServices, services, silence, startFleet } from "../run/fleet-under-test.js";
import { ok } from "../run/simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(async () => {
  vi.useRealTimers();
  await fleet.close();
});

const week = 7 * 24 * 3600_000;

function ask() {
  return collect(fleet.client.run({ selector: "all", method: listServices, timeout: { seconds: 5n } }));
}

test("what is older than the retention is deleted at the start, what is younger stays with its answers", async () => {
  fleet = await startFleet();
  await fleet.attach("h");
  const old = await ask();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + week - 60_000 });
  const young = await ask();
  vi.setSystemTime(Date.now() + 120_000);
  await fleet.restart();
  await eventually(async () =>
    expect((await fleet.client.listRuns({})).runs.map(({ runId }) => runId)).toEqual([young.run.runId]),
  );
  await expect(fleet.client.getRun({ runId: old.run.runId })).rejects.toThrow(/no run has the id/);
  // Both runs had the same answer: it was stored once, and the younger run still has it.
  const { items } = await fleet.client.openResult({ target: { case: "runId", value: young.run.runId } });
  expect(JSON.parse(items[0]?.answerJson ?? "")).toMatchObject({ services: [{ name: "nginx.service" }] });
});

test("only so many runs are kept, the newest; one that goes on is never deleted", async () => {
  fleet = await startFleet({ retention: { maxAgeMs: week, maxRuns: 2 } });
  await fleet.attach("h");
  fleet.hosts.behave("h", silence);
  const stream = fleet.client.run({ selector: "all", method: listServices, timeout: { seconds: 30n } });
  const { value } = await stream[Symbol.asyncIterator]().next();
  await eventually(() => expect(fleet.hosts.invoked).toHaveLength(1));
  let asked = 0;
  fleet.hosts.behave("h", (call) => call.reply(ok(services(`service-${asked++}.service`))));
  const runs = [];
  for (let count = 0; count < 4; count++) runs.push((await ask()).run.runId);
  await fleet.restart();
  const expected = [runs[3], value.event.value.runId];
  await eventually(async () =>
    expect((await fleet.client.listRuns({})).runs.map(({ runId }) => runId)).toEqual(expected),
  );
});
