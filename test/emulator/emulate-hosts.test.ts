// Fifty logical hosts: real daemons, relay, bus and HTTP/2; only the provider is simulated, and says so.

import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { GetSystemSnapshotResponseSchema } from "../../services/gen/systemsmanager/telemetry/v1/system_pb.js";
import { snapshotMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";
import { type EmulatorUnderTest, openEmulator, snapshotBytes, variants } from "./open-emulator.js";

const count = 50;
let emulator: EmulatorUnderTest;

beforeAll(async () => {
  emulator = await openEmulator(count);
  // A host knows that it is attached before the bus does.
  const { presences } = emulator.path.fleet;
  await waitFor(() => new Set(presences.map(({ facts }) => facts?.hostId)).size === count, "word of every host");
});

afterAll(() => emulator.close());

test("every host has a name and an identity of its own, and says that it is simulated", () => {
  const { fleet } = emulator.path;
  const facts = fleet.presences.map((presence) => presence.facts);
  expect(new Set(facts.map((each) => each?.hostId)).size).toBe(count);
  expect(new Set(facts.map((each) => each?.name)).size).toBe(count);
  for (const each of facts) {
    expect(each).toMatchObject({ distro: "emulated", capabilities: ["simulated"], labels: { simulated: "true" } });
  }
});

test("a question is answered by all, with as many different bodies as asked for, of the size asked for", async () => {
  const { hostIds, path } = emulator;
  const command = await path.fleet.send(hostIds, { method: snapshotMethod });
  const replies = await path.fleet.repliesTo(command, count);
  expect(replies.every(({ outcome }) => outcome === ReplyOutcome.OK)).toBe(true);
  expect(new Set(replies.map(({ hostId }) => hostId)).size).toBe(count);
  expect(new Set(replies.map(({ body }) => Buffer.from(body).toString("hex"))).size).toBeLessThanOrEqual(variants);
  for (const { body } of replies) {
    expect(body.length).toBe(snapshotBytes);
    expect(fromBinary(GetSystemSnapshotResponseSchema, body).os?.prettyName).toBe("Emulated GNU/Linux 1");
  }
});

test("the same question gives the same bytes again", async () => {
  const { hostIds, path } = emulator;
  const bodies = async () => {
    const command = await path.fleet.send(hostIds, { method: snapshotMethod });
    const replies = await path.fleet.repliesTo(command, count);
    return new Map(replies.map(({ hostId, body }) => [hostId, Buffer.from(body).toString("hex")]));
  };
  expect(await bodies()).toEqual(await bodies());
});

test("a change is carried out once by each, is written down with its command, and not carried out again", async () => {
  const { hosts, path } = emulator;
  const command = await emulator.sendChange();
  const replies = await path.fleet.repliesTo(command, count);
  expect(replies.every(({ outcome }) => outcome === ReplyOutcome.OK)).toBe(true);
  await emulator.sendAgain(command);
  await path.fleet.repliesTo(command, 2 * count);
  const executions = emulator.executions();
  expect(executions.length).toBe(count);
  expect(new Set(executions.map(({ hostId }) => hostId))).toEqual(new Set(emulator.hostIds));
  for (const execution of executions) {
    expect(execution).toMatchObject({
      commandId: command.commandId,
      method: "manageService",
      subjects: ["nginx.service"],
    });
  }
  expect(hosts.counters()).toMatchObject({ executions: count, fromJournal: count });
});

test("a host that is killed comes back on its journal, and answers", async () => {
  const { hosts, path, hostIds } = emulator;
  const before = hosts.counters().attachments;
  hosts.kill({ names: ["emulated-3", "emulated-4"], down: { least: 50, most: 100 } });
  expect(hosts.counters()).toMatchObject({ kills: 2, down: 2 });
  await waitFor(() => hosts.counters().attachments === before + 2, "the killed hosts to be back");
  expect(hosts.counters()).toMatchObject({ attached: count, down: 0 });
  const command = await path.fleet.send(hostIds, { method: snapshotMethod });
  await path.fleet.repliesTo(command, count);
});
