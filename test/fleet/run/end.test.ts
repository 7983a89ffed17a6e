import { afterEach, describe, expect, test } from "vitest";
import { ask } from "./ask.js";
import { collect, readStarted } from "./collect.js";
import { eventually } from "./eventually.js";
import { answers, type FleetUnderTest, listServices, services, silence, startFleet } from "./fleet-under-test.js";
import { ok, type SimulatedCall } from "./simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

describe("the end of a run", () => {
  test("a read returns at its deadline with what it has", async () => {
    fleet = await startFleet();
    await fleet.attach("good", "silent");
    fleet.hosts.behave("silent", silence);
    const began = performance.now();
    const { accounting } = await collect(ask(fleet, "all", 1));
    const took = performance.now() - began;
    expect(accounting).toMatchObject({ ok: 1, noAnswer: 1 });
    expect(took).toBeGreaterThanOrEqual(990);
    expect(took).toBeLessThan(3_000);
  });

  test("cancel ends it, tells the hosts that have not answered, and the stream finishes", async () => {
    fleet = await startFleet({ usual: silence });
    await fleet.attach("good", "silent-1", "silent-2");
    fleet.hosts.behave("good", answers);
    const { runId, rest } = await readStarted(ask(fleet, "all", 30));
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
    const { run } = await fleet.client.cancelRun({ runId });
    expect(run?.accounting).toMatchObject({ ok: 1, cancelled: 2, queued: 0 });
    let last: unknown;
    for (let next = await rest.next(); !next.done; next = await rest.next()) last = next.value;
    expect(last).toMatchObject({ event: { case: "finished" } });
    const cancellation = fleet.hosts.commands.at(-1);
    expect(cancellation?.action).toMatchObject({
      case: "cancellation",
      value: { commandId: fleet.hosts.commands[0]?.commandId },
    });
    expect(cancellation?.targetCount).toBe(2);
  });

  test("cancelling a finished run leaves it as it is", async () => {
    fleet = await startFleet();
    await fleet.attach("h");
    const { run } = await collect(ask(fleet));
    const { run: after } = await fleet.client.cancelRun({ runId: run.runId });
    expect(after).toEqual(run);
  });

  test("a caller that goes away does not end the run", async () => {
    let call: SimulatedCall | undefined;
    fleet = await startFleet({
      usual: (each) => {
        call = each;
      },
    });
    await fleet.attach("h");
    const caller = new AbortController();
    const stream = fleet.client.run(
      { selector: "all", method: listServices, timeout: { seconds: 30n } },
      { signal: caller.signal },
    );
    const { runId, rest } = await readStarted(stream);
    caller.abort();
    await expect(rest.next()).rejects.toThrow();
    await eventually(() => expect(call).toBeDefined());
    await call?.reply(ok(services("a.service")));
    await eventually(async () => {
      const { run } = await fleet.client.getRun({ runId });
      expect(run).toMatchObject({ accounting: { ok: 1, queued: 0 } });
      expect(run?.finishedAt).toBeDefined();
    });
  });
});
