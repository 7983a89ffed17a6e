import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ask } from "./ask.js";
import { readStarted } from "./collect.js";
import { eventually } from "./eventually.js";
import { answers, type FleetUnderTest, listServices, services, silence, startFleet } from "./fleet-under-test.js";
import { ok, type SimulatedCall } from "./simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

describe("a restart of the control plane in mid-run", () => {
  test("goes on with the run: answers are kept and late ones still taken", async () => {
    let held: SimulatedCall | undefined;
    fleet = await startFleet({ usual: answers });
    await fleet.attach("fast", "slow");
    fleet.hosts.behave("slow", (call) => {
      held = call;
    });
    const { runId } = await readStarted(ask(fleet, "all", 30));
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
    await fleet.restart();
    expect((await fleet.client.getRun({ runId })).run).toMatchObject({ accounting: { targeted: 2, ok: 1, queued: 1 } });
    await held?.reply(ok(services("late.service")));
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run?.accounting).toMatchObject({ ok: 2, queued: 0, lateReplies: 0 });
      expect(run?.finishedAt).toBeDefined();
    });
  });

  test("an answer that came while it was down is taken at the start", async () => {
    let held: SimulatedCall | undefined;
    fleet = await startFleet({
      usual: (call) => {
        held = call;
      },
    });
    await fleet.attach("h");
    const { runId } = await readStarted(ask(fleet, "all", 30));
    await eventually(() => expect(held).toBeDefined());
    await fleet.stop();
    await held?.reply(ok(services("a.service")));
    await fleet.restart();
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
  });

  test("a caller that followed the run is told that the control plane stops, and where its answers will be", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("h");
    const { runId, rest } = await readStarted(ask(fleet, "all", 30));
    const next = rest.next();
    const told = expect(next).rejects.toThrow(new RegExp(`stopping.*read the run ${runId}`));
    await fleet.stop();
    await told;
  });

  test("a host that is not attached again is no_answer after the grace, not at the deadline", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("h");
    const { runId } = await readStarted(ask(fleet, "all", 30));
    await fleet.stop();
    await fleet.hosts.detach("h");
    await fleet.restart();
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run?.accounting).toMatchObject({ noAnswer: 1, queued: 0 });
    });
  });

  test("a run whose deadline passed meanwhile is closed with no_answer", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("h");
    const { runId } = await readStarted(
      fleet.client.run({ selector: "all", method: listServices, timeout: { nanos: 300_000_000 } }),
    );
    await fleet.stop();
    await sleep(400);
    await fleet.restart();
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run?.accounting).toMatchObject({ noAnswer: 1, queued: 0 });
      expect(run?.finishedAt).toBeDefined();
    });
  });
});
