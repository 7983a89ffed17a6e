import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ErrorReason } from "../../../services/shared/errors.js";
import { ask } from "./ask.js";
import { collect } from "./collect.js";
import { eventually } from "./eventually.js";
import { answers, type FleetUnderTest, listServices, services, silence, startFleet } from "./fleet-under-test.js";
import { ok, type SimulatedCall } from "./simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

async function timeOfRead(): Promise<number> {
  const began = performance.now();
  await collect(ask(fleet, "all", 30));
  return performance.now() - began;
}

describe("hosts that are away", () => {
  test("a host that is offline for a while at the start of a read is no_answer at once, and the error says since when", async () => {
    fleet = await startFleet({ patience: { detachGraceMs: 3_000, changeGraceMs: 3_000, relayGraceMs: 3_000 } });
    await fleet.attach("here", "gone");
    await fleet.detach("gone");
    await sleep(3_100);
    const { accounting, run } = await collect(ask(fleet, "all", 30));
    // Against the grace, which would be waited for in each of them; the fastest, since a machine may pause once.
    expect(Math.min(await timeOfRead(), await timeOfRead(), await timeOfRead())).toBeLessThan(2_000);
    expect(accounting).toMatchObject({ targeted: 2, ok: 1, noAnswer: 1 });
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId }, host: "gone" });
    expect(items[0]?.error?.reason).toBe(ErrorReason.UNREACHABLE);
    expect(items[0]?.error?.message).toMatch(/offline since \d{4}-\d\d-\d\dT/);
  });

  test("a host that detaches in mid-run is no_answer after the grace, long before the deadline", async () => {
    fleet = await startFleet({
      usual: (call) => (call.name === "dies" ? undefined : call.reply(ok(services("a.service")))),
    });
    await fleet.attach("lives", "dies");
    const began = performance.now();
    const collected = collect(ask(fleet, "all", 30));
    await eventually(() => expect(fleet.hosts.invoked).toHaveLength(2));
    await fleet.detach("dies");
    const { accounting } = await collected;
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(accounting).toMatchObject({ ok: 1, noAnswer: 1 });
  });

  test("a host that is back within the grace is still waited for", async () => {
    let call: SimulatedCall | undefined;
    fleet = await startFleet({
      patience: { detachGraceMs: 2_500, changeGraceMs: 2_500, relayGraceMs: 2_500 },
      usual: (each) => {
        call = each;
      },
    });
    await fleet.attach("flaps");
    const collected = collect(ask(fleet, "all", 30));
    await eventually(() => expect(call).toBeDefined());
    await fleet.detach("flaps");
    await fleet.attach("flaps");
    await sleep(2_700);
    await call?.reply(ok(services("a.service")));
    expect((await collected).accounting).toMatchObject({ ok: 1, noAnswer: 0, lateReplies: 0 });
  });

  test("a host that moves between relays when a read begins is waited for, and asked when it is back", async () => {
    fleet = await startFleet({ patience: { detachGraceMs: 3_000, changeGraceMs: 3_000, relayGraceMs: 3_000 } });
    await fleet.attach("stays", "moves");
    await fleet.detach("moves");
    const collected = collect(ask(fleet, "all", 30));
    await eventually(() => expect(fleet.hosts.invoked).toHaveLength(1));
    await fleet.attach("moves");
    expect((await collected).accounting).toMatchObject({ targeted: 2, ok: 2, noAnswer: 0 });
  });

  test("hosts that are lost with their relay are waited for beyond the grace of hosts that leave, in mid-run and before", async () => {
    fleet = await startFleet({ patience: { detachGraceMs: 100, changeGraceMs: 100, relayGraceMs: 10_000 } });
    await fleet.hosts.startRelay();
    await fleet.attach("web-1", "web-2");
    fleet.hosts.behave("web-1", silence);
    const before = collect(ask(fleet, "all", 30));
    await eventually(() => expect(fleet.hosts.invoked).toHaveLength(2));
    await fleet.hosts.startRelay();
    await eventually(async () => {
      const { onlineCount } = await fleet.client.findHosts({ selector: "all" });
      expect(onlineCount).toBe(0);
    });
    fleet.hosts.behave("web-1", answers);
    const after = collect(ask(fleet, "all", 30));
    await sleep(500);
    await fleet.attach("web-1", "web-2");
    expect((await before).accounting).toMatchObject({ targeted: 2, ok: 2, noAnswer: 0 });
    expect((await after).accounting).toMatchObject({ targeted: 2, ok: 2, noAnswer: 0 });
  });

  test("hosts that are not back after that are no_answer, and told to be offline", async () => {
    fleet = await startFleet({
      patience: { detachGraceMs: 100, changeGraceMs: 100, relayGraceMs: 500 },
      usual: silence,
    });
    await fleet.hosts.startRelay();
    await fleet.attach("web-1");
    const collected = collect(ask(fleet, "all", 30));
    await eventually(() => expect(fleet.hosts.invoked).toHaveLength(1));
    await fleet.hosts.startRelay();
    const { run, accounting } = await collected;
    expect(accounting).toMatchObject({ noAnswer: 1 });
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId }, host: "web-1" });
    expect(items[0]?.error?.reason).toBe(ErrorReason.UNREACHABLE);
  });

  test("a late answer after the end makes revision 2, durably", async () => {
    let call: SimulatedCall | undefined;
    fleet = await startFleet({
      usual: (each) => {
        call = each;
      },
    });
    await fleet.attach("slow");
    const { run } = await collect(
      fleet.client.run({ selector: "all", method: listServices, timeout: { nanos: 200_000_000 } }),
    );
    expect(run).toMatchObject({ revision: 1, accounting: { noAnswer: 1, ok: 0 } });
    await eventually(() => expect(call).toBeDefined());
    await call?.reply(ok(services("a.service")));
    const runId = run.runId;
    await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.revision).toBe(2));
    await fleet.restart();
    const { run: again } = await fleet.client.getRun({ runId });
    expect(again).toMatchObject({ revision: 2, accounting: { noAnswer: 0, ok: 1, lateReplies: 1 } });
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: runId } });
    expect(JSON.parse(items[0]?.answerJson ?? "")).toMatchObject({ services: [{ name: "a.service" }] });
  });
});
