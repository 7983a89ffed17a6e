// What a relay says of itself and of its hosts, and how it leaves.
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Bus } from "../../services/bus/bus.js";
import { CommandEnvelopeSchema, ProvenTargetsSchema } from "../../services/gen/systemsmanager/bus/v1/command_pb.js";
import {
  PresenceRecordSchema,
  type RelayPresence,
  ReplyOutcome,
} from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { buildTargetTree, encodeHostIds } from "../../services/identity/target-tree.js";
import { hostIdOf } from "../daemon/simulated-provider.js";
import { openTestPath, type TestPath } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";
import { helloOf, openRawClient } from "./raw-client.js";
import { createCommand, snapshotMethod } from "./simulated-fleet.js";

let path: TestPath;
let words: RelayPresence[];
let keys: string[];

beforeEach(async () => {
  path = await openTestPath({ presenceIntervalMs: 100 });
  words = [];
  keys = [];
  await path.bus.subscribe({ topic: "presence", group: "words", from: "earliest" }, async ({ key, value }) => {
    const { record } = fromBinary(PresenceRecordSchema, value);
    if (record.case !== "relay") return;
    words.push(record.value);
    keys.push(key);
  });
});

afterEach(() => path.close());

test("a relay says at each interval that it lives, with its hosts, and last that it has ended", async () => {
  await path.startHost("one");
  const own = () => words.filter(({ relayId }) => relayId === path.relay.relayId);
  await waitFor(() => own().length >= 3 && own().at(-1)?.attached === 1, "three words");
  expect(keys[0]).toBe(`relay/${path.relay.relayId}`);
  expect(own()[0]).toMatchObject({ alive: true, life: own().at(-1)?.life });
  expect(durationMs(own()[0]?.interval as never)).toBe(100);
  await path.relay.close();
  await waitFor(() => own().at(-1)?.alive === false, "the last word");
  expect(own().at(-1)?.attached).toBe(0);
});

test("hosts are online in the life of the relay that they came in", async () => {
  await path.startHost("one");
  const presence = await path.fleet.presenceOf(hostIdOf("one"), true);
  await waitFor(() => words.length > 0, "the relay's word");
  expect(presence.relayLife).toBe(words[0]?.life);
});

test("a relay that comes back under its name lives a greater life", async () => {
  const first = await path.startRelay({ relayId: "again" });
  await first.close();
  // Lives are told apart by the millisecond in which they began; no process starts as quickly as this.
  await sleep(2);
  await path.startRelay({ relayId: "again" });
  const lives = () => words.filter(({ relayId, alive }) => relayId === "again" && alive).map(({ life }) => life);
  await waitFor(() => new Set(lives()).size === 2, "two lives");
  expect(lives().at(-1)).toBeGreaterThan(lives()[0] as bigint);
});

test("presence of 1,000 hosts at once goes out a hundred at a time, and the newest word on each arrives", async () => {
  let underWay = 0;
  let most = 0;
  const bus: Bus = {
    ...path.bus,
    publish: async (topic, message) => {
      underWay++;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      return path.bus.publish(topic, message);
    },
  };
  const relay = await path.startRelay({ bus });
  const clients = Array.from({ length: 1_000 }, (_, index) => index).map((index) => {
    const client = openRawClient(relay.url);
    client.send(helloOf(`many-${index}`) as never);
    return client;
  });
  await path.fleet.presenceOf(hostIdOf("many-999"), true);
  expect(relay.gauges().attached).toBeGreaterThan(0);
  for (const client of clients) client.close();
  for (const index of [0, 500, 999]) await path.fleet.presenceOf(hostIdOf(`many-${index}`), false);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(101);
  await waitFor(() => relay.gauges().pendingPresence === 0, "everything said");
});

test("a draining relay's hosts move to the other one, and the run under way stays complete", async () => {
  const second = await path.startRelay();
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const getSystemSnapshot = async () => {
    await released;
    return {};
  };
  const relayUrls = [path.relay.url, second.url];
  const names = Array.from({ length: 20 }, (_, index) => `move-${index}`);
  const daemons = await Promise.all(names.map((name) => path.startHost(name, { getSystemSnapshot }, { relayUrls })));
  const hostIds = daemons.map(({ hostId }) => hostId);
  await waitFor(() => path.relay.gauges().attached + second.gauges().attached === 20, "all attached");
  expect(path.relay.gauges().attached).toBeGreaterThan(0);
  const command = await path.fleet.send(hostIds, { method: snapshotMethod });
  await waitFor(() => path.relay.counters().deliveries + second.counters().deliveries === 20, "all deliveries");
  const closed = path.relay.close();
  setTimeout(release, 100);
  await closed;
  await waitFor(() => second.gauges().attached === 20, "all at the second relay");
  const replies = await path.fleet.repliesTo(command, 20);
  expect(new Set(replies.map(({ hostId }) => hostId)).size).toBe(20);
  expect(replies.every(({ outcome }) => outcome === ReplyOutcome.OK)).toBe(true);
  const next = await path.fleet.send(hostIds, { method: snapshotMethod });
  expect(await path.fleet.repliesTo(next, 20)).toHaveLength(20);
});

test("a relay that drains takes no new daemon", async () => {
  const relay = await path.startRelay({ drainMs: 300 });
  const staying = openRawClient(relay.url);
  staying.send(helloOf("staying") as never);
  await waitFor(() => relay.gauges().attached === 1, "the first");
  const late = openRawClient(relay.url);
  await waitFor(() => late.stream.id !== undefined, "the stream");
  const closed = relay.close();
  late.send(helloOf("late") as never);
  const error = await late.ended;
  expect(error?.rawMessage).toMatch(/relay .* is stopping/);
  await waitFor(() => staying.received.some(({ message }) => message.case === "drain"), "the word to leave");
  await closed;
});

test("a command sent again to some of its targets reaches those alone, with their proof", async () => {
  const names = ["again-a", "again-b", "again-c"];
  const daemons = await Promise.all(names.map((name) => path.startHost(name)));
  const hostIds = daemons.map(({ hostId }) => hostId).sort();
  const tree = buildTargetTree(encodeHostIds(hostIds));
  const command = createCommand(hostIds, { method: snapshotMethod });
  const proof = { ...tree.prove(0), path: [...tree.prove(0).path] };
  const meant = encodeHostIds(hostIds.slice(0, 2));
  const again = [create(ProvenTargetsSchema, { proof, targetIds: meant } as never)];
  const envelope = create(CommandEnvelopeSchema, { signed: signCommand(path.fleet.key, command), again });
  await path.bus.publish("commands", { key: "again", value: toBinary(CommandEnvelopeSchema, envelope) });
  const replies = await path.fleet.repliesTo(command, 2);
  expect(replies.map(({ hostId }) => hostId).sort()).toEqual(hostIds.slice(0, 2));
  expect(replies.every(({ outcome }) => outcome === ReplyOutcome.OK)).toBe(true);
  expect(path.relay.counters().deliveries).toBe(2);
});
