// Commands sent again in mid-run: a relay's death loses no answers.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { ask } from "./ask.js";
import { collect, readStarted } from "./collect.js";
import { eventually } from "./eventually.js";
import { type FleetUnderTest, services, silence, startFleet } from "./fleet-under-test.js";
import { type Behaviour, ok } from "./simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

/** Says nothing to the first command and answers the second. */
function answersAgain(): Behaviour {
  const asked = new Set<string>();
  return async (call) => {
    if (asked.has(call.hostId)) await call.reply(ok(services("a.service")));
    asked.add(call.hostId);
  };
}

test("a host that attaches anew before it answered gets the command again, and answers once", async () => {
  fleet = await startFleet({
    usual: answersAgain(),
    patience: { detachGraceMs: 5_000, changeGraceMs: 5_000, relayGraceMs: 5_000 },
  });
  await fleet.attach("a", "b", "c");
  const finished = collect(ask(fleet, "all", 30));
  await eventually(() => expect(fleet.hosts.invoked).toHaveLength(3));
  await fleet.detach("a");
  await fleet.attach("a");
  // From one relay straight to another: no word that they went.
  await fleet.hosts.attach("b");
  await fleet.hosts.attach("c");
  const { accounting } = await finished;
  expect(accounting).toMatchObject({ ok: 3, noAnswer: 0, duplicateReplies: 0, lateReplies: 0 });
  expect(new Set(fleet.hosts.commands.map((command) => command.commandId)).size).toBe(1);
  expect(fleet.counters().commandsSentAgain).toBe(3);
});

test("a host that was given up is asked again when it comes back while the run goes on; its answer is late", async () => {
  fleet = await startFleet({ usual: silence });
  await fleet.attach("flaps", "slow");
  fleet.hosts.behave("flaps", answersAgain());
  const { runId } = await readStarted(ask(fleet, "all", 30));
  await eventually(() => expect(fleet.hosts.invoked).toHaveLength(2));
  await fleet.detach("flaps");
  const accounting = async () => (await fleet.client.getRun({ runId })).run?.accounting;
  await eventually(async () => expect(await accounting()).toMatchObject({ noAnswer: 1, queued: 1 }));
  await fleet.attach("flaps");
  await eventually(async () => expect(await accounting()).toMatchObject({ ok: 1, queued: 1, lateReplies: 1 }));
  await fleet.client.cancelRun({ runId });
});

test("a host that answered is not asked again", async () => {
  fleet = await startFleet();
  await fleet.attach("a", "slow");
  fleet.hosts.behave("slow", silence);
  const { runId } = await readStarted(ask(fleet, "all", 30));
  await eventually(() => expect(fleet.hosts.invoked).toHaveLength(2));
  await eventually(async () => expect((await fleet.client.getRun({ runId })).run?.accounting?.ok).toBe(1));
  await fleet.detach("a");
  await fleet.attach("a");
  await sleep(150);
  expect(fleet.hosts.invoked).toHaveLength(2);
  await fleet.client.cancelRun({ runId });
});

test("what was recorded and never reached the bus goes out at the next start", async () => {
  fleet = await startFleet({ usual: answersAgain() });
  await fleet.attach("h");
  const { runId } = await readStarted(ask(fleet, "all", 30));
  await eventually(() => expect(fleet.hosts.invoked).toHaveLength(1));
  await fleet.restart();
  await eventually(async () => {
    const { run } = await fleet.client.getRun({ runId });
    expect(run).toMatchObject({ accounting: { ok: 1, queued: 0 } });
  });
  expect(new Set(fleet.hosts.commands.map((command) => command.commandId)).size).toBe(1);
});
