// Commands that wait for hosts that are away (design, promise 5).
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason } from "../../../services/shared/errors.js";
import { ask, reasonOf } from "./ask.js";
import { collect } from "./collect.js";
import { eventually } from "./eventually.js";
import { answers, type FleetUnderTest, silence, startFleet } from "./fleet-under-test.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

/** "here" is online, "gone" is not. */
async function oneHereOneGone(options: Parameters<typeof startFleet>[0] = {}): Promise<void> {
  fleet = await startFleet(options);
  await fleet.attach("here", "gone");
  await fleet.detach("gone");
}

async function runOf(runId: string) {
  const { run } = await fleet.client.getRun({ runId });
  return run;
}

describe("a read with a delivery timeout", () => {
  test("is answered as soon as who is there has answered, and counts who is away as queued", async () => {
    await oneHereOneGone();
    const began = performance.now();
    const { run, accounting, summary } = await collect(ask(fleet, "all", 30, 60));
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(accounting).toMatchObject({ targeted: 2, ok: 1, queued: 1, noAnswer: 0 });
    expect(run.revision).toBe(1);
    expect(run.finishedAt).toBeUndefined();
    expect(summary.text).toContain("1 queued");
    expect(summary.text).toMatch(/gone.*the command waits for it until \d{4}-/);
    const queued = summary.handles.find(({ label }) => label.includes("queued"))?.handle ?? "";
    const { items } = await fleet.client.openResult({ target: { case: "handle", value: queued } });
    expect(items.map(({ hosts }) => hosts)).toEqual([["gone"]]);
  });

  test("reaches a host that comes back, with the very same command; its answer is revision 2", async () => {
    await oneHereOneGone();
    const { run } = await collect(ask(fleet, "all", 30, 60));
    await fleet.attach("gone");
    await eventually(async () => {
      expect(await runOf(run.runId)).toMatchObject({ revision: 2, accounting: { ok: 2, queued: 0, lateReplies: 0 } });
    });
    expect((await runOf(run.runId))?.finishedAt).toBeDefined();
    expect(new Set(fleet.hosts.commands.map((command) => command.commandId)).size).toBe(1);
    expect(fleet.hosts.invoked).toHaveLength(2);
  });

  test("reaches many that come back together in few messages, each with its proof", async () => {
    fleet = await startFleet();
    const names = Array.from({ length: 200 }, (_, index) => `h-${index}`);
    await fleet.attach(...names);
    for (const name of names.slice(1)) await fleet.detach(name);
    const { run } = await collect(ask(fleet, "all", 30, 60));
    expect(run.accounting).toMatchObject({ ok: 1, queued: 199 });
    await Promise.all(names.slice(1).map((name) => fleet.hosts.attach(name)));
    await eventually(async () => expect((await runOf(run.runId))?.accounting).toMatchObject({ ok: 200, queued: 0 }));
    expect(fleet.hosts.commands.length).toBeLessThan(20);
  });

  test("ends at its expiry: a host that stayed away is EXPIRED, one that came back and says nothing NO_ANSWER", async () => {
    await oneHereOneGone();
    await fleet.attach("mute");
    await fleet.detach("mute");
    fleet.hosts.behave("mute", silence);
    const { run } = await collect(ask(fleet, "all", 0.3, 3));
    expect(run.accounting).toMatchObject({ ok: 1, queued: 2 });
    await fleet.attach("mute");
    await eventually(async () => expect((await runOf(run.runId))?.finishedAt).toBeDefined());
    const after = await runOf(run.runId);
    expect(after?.accounting).toMatchObject({ ok: 1, expired: 1, noAnswer: 1, queued: 0 });
    expect(after?.revision).toBeGreaterThan(1);
    const { items } = await fleet.client.openResult({ target: { case: "runId", value: run.runId }, host: "gone" });
    expect(items[0]).toMatchObject({ state: HostState.EXPIRED, error: { reason: ErrorReason.COMMAND_EXPIRED } });
    await fleet.attach("gone");
    await sleep(200);
    expect(fleet.hosts.invoked.filter(({ command }) => command.runId === run.runId)).toHaveLength(2);
  });

  test("waits at its deadline for nobody who is there", async () => {
    await oneHereOneGone({ usual: silence });
    const began = performance.now();
    const { accounting } = await collect(ask(fleet, "all", 0.5, 60));
    expect(performance.now() - began).toBeGreaterThan(490);
    expect(accounting).toMatchObject({ noAnswer: 1, queued: 1 });
  });

  describe("that took a host for silent, because word of its going away was late,", () => {
    async function takenForSilent(deliverySeconds = 60): Promise<string> {
      fleet = await startFleet({ usual: silence });
      await fleet.attach("lost");
      const { run } = await collect(ask(fleet, "all", 0.3, deliverySeconds));
      expect(run).toMatchObject({ revision: 1, accounting: { noAnswer: 1, queued: 0 } });
      expect(run.finishedAt).toBeUndefined();
      fleet.hosts.behave("lost", answers);
      return run.runId;
    }

    async function hasAnsweredLate(runId: string): Promise<void> {
      await eventually(async () => {
        expect(await runOf(runId)).toMatchObject({ revision: 2, accounting: { ok: 1, noAnswer: 0, lateReplies: 1 } });
      });
      expect((await runOf(runId))?.finishedAt).toBeDefined();
      expect(new Set(fleet.hosts.commands.map((command) => command.commandId)).size).toBe(1);
    }

    test("sends it the very same command again when it attaches anew", async () => {
      const runId = await takenForSilent();
      await fleet.attach("lost");
      await hasAnsweredLate(runId);
    });

    test("does so after a restart of the control plane, even if the host came back meanwhile", async () => {
      const runId = await takenForSilent();
      await fleet.restart();
      await hasAnsweredLate(runId);
    });

    test("ends at its expiry, and sends nothing more", async () => {
      const runId = await takenForSilent(2);
      await eventually(async () => expect((await runOf(runId))?.finishedAt).toBeDefined());
      await fleet.attach("lost");
      await sleep(200);
      expect(await runOf(runId)).toMatchObject({ revision: 1, accounting: { noAnswer: 1 } });
      expect(fleet.hosts.invoked).toHaveLength(1);
    });

    test("ends when it is cancelled, and sends nothing more, not even after a restart", async () => {
      const runId = await takenForSilent();
      const { run } = await fleet.client.cancelRun({ runId });
      expect(run).toMatchObject({ accounting: { noAnswer: 1 } });
      expect(run?.finishedAt).toBeDefined();
      await fleet.restart();
      await fleet.attach("lost");
      await sleep(200);
      expect(fleet.hosts.invoked).toHaveLength(1);
    });
  });

  test("survives a restart of the control plane", async () => {
    await oneHereOneGone();
    const { run } = await collect(ask(fleet, "all", 30, 60));
    await fleet.restart();
    expect((await runOf(run.runId))?.accounting).toMatchObject({ ok: 1, queued: 1 });
    await fleet.attach("gone");
    await eventually(async () =>
      expect(await runOf(run.runId)).toMatchObject({ revision: 2, accounting: { ok: 2, queued: 0 } }),
    );
  });

  test("expires while the control plane is down", async () => {
    await oneHereOneGone();
    const { run } = await collect(ask(fleet, "all", 0.3, 2));
    await fleet.stop();
    await sleep(2_100);
    await fleet.restart();
    await eventually(async () => expect((await runOf(run.runId))?.accounting).toMatchObject({ ok: 1, expired: 1 }));
  });

  test("can be cancelled: nothing is sent to who comes back", async () => {
    await oneHereOneGone();
    const { run } = await collect(ask(fleet, "all", 30, 60));
    const { run: cancelled } = await fleet.client.cancelRun({ runId: run.runId });
    expect(cancelled).toMatchObject({ revision: 2, accounting: { ok: 1, cancelled: 1, queued: 0 } });
    await fleet.attach("gone");
    await sleep(200);
    expect(fleet.hosts.invoked).toHaveLength(1);
  });

  test("is BUSY when the principal has too many that wait so", async () => {
    await oneHereOneGone({ limits: { maxQueuedRunsPerPrincipal: 1 } });
    const { run } = await collect(ask(fleet, "all", 30, 60));
    await eventually(() => expect(fleet.gauges().queued).toBe(1));
    expect(await reasonOf(collect(ask(fleet, "all", 30, 60)))).toBe("BUSY");
    await collect(ask(fleet, "here"));
    await fleet.client.cancelRun({ runId: run.runId });
    await eventually(async () => void (await collect(ask(fleet, "all", 30, 60))));
  });
});
