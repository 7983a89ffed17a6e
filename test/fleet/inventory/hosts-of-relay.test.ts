import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { PresenceRecordSchema, RelayPresenceSchema } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { eventually } from "../run/eventually.js";
import { useInventory } from "./inventory-under-test.js";

const fleet = useInventory();

async function sayOfRelay(life: bigint, alive = true, intervalMs = 500) {
  const value = create(RelayPresenceSchema, { relayId: "r", life, alive, interval: durationFromMs(intervalMs) });
  const record = create(PresenceRecordSchema, { record: { case: "relay", value } });
  await fleet.bus.publish("presence", { key: "relay/r", value: toBinary(PresenceRecordSchema, record) });
}
const sayOnline = (letter: string, relayLife: bigint) => fleet.say(letter, 1, true, {}, { relayId: "r", relayLife });

test("hosts of a relay are offline while it is silent, and online again with its next word", async () => {
  const changes: [string, boolean][] = [];
  fleet.inventory.onChange(({ name, online }) => changes.push([name, online]));
  await sayOfRelay(5n);
  await sayOnline("a", 5n);
  await sayOnline("b", 5n);
  await fleet.say("b", 1, false, {}, { relayId: "r", relayLife: 5n });
  await eventually(() => expect(changes).toHaveLength(4));
  expect(changes.slice(3)).toEqual([["host-a", false]]);
  expect(fleet.find("a")?.sinceMs).toBeGreaterThan(Date.now() - 10_000);
  await sayOfRelay(5n, true, 60_000);
  await fleet.heard();
  expect(fleet.find("a")).toMatchObject({ online: true, sinceMs: 1_000 });
  expect(fleet.find("b")?.online).toBe(false);
});

test("hosts of a relay are offline after its last word, and in its next life until it says otherwise", async () => {
  await sayOfRelay(5n, true, 60_000);
  await sayOnline("a", 5n);
  await fleet.heard();
  expect(fleet.find("a")?.online).toBe(true);
  await sayOfRelay(5n, false, 60_000);
  await fleet.heard();
  expect(fleet.find("a")?.online).toBe(false);
  await sayOfRelay(6n, true, 60_000);
  await fleet.heard();
  expect(fleet.find("a")?.online).toBe(false);
  await sayOnline("a", 6n);
  await fleet.heard();
  expect(fleet.find("a")).toMatchObject({ online: true, attachment: "r/6/1" });
});
