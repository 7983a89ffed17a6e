import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { RelayLives } from "../../../services/fleet/inventory/relay-lives.js";
import { RelayPresenceSchema } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";

const lookEveryMs = 1_000;

/** Lives on a clock that the test moves; a look is taken each second. */
function lives() {
  let nowMs = 0;
  const relays = new RelayLives(() => nowMs);
  return {
    relays,
    wait(seconds: number) {
      const fallen: string[] = [];
      for (let second = 0; second < seconds; second++) {
        nowMs += 1_000;
        fallen.push(...relays.fallenSilent(lookEveryMs));
      }
      return fallen;
    },
    standStill(seconds: number) {
      nowMs += seconds * 1_000;
      return relays.fallenSilent(lookEveryMs);
    },
  };
}

function word(life: bigint, alive = true, intervalMs = 2_000) {
  return create(RelayPresenceSchema, { relayId: "r", life, alive, interval: durationFromMs(intervalMs) });
}

const host = (relayLife: bigint, online = true) => ({ relayId: "r", relayLife, online });

test("a relay that never speaks of its life is taken at its word", () => {
  const { relays, wait } = lives();
  relays.heardOf(host(0n));
  wait(100);
  expect(relays.isAlive(host(0n))).toBe(true);
});

test("after three intervals of silence a relay does not live, and lives again with its next word", () => {
  const { relays, wait } = lives();
  expect(relays.heard(word(1n))).toBe(true);
  expect(wait(6)).toEqual([]);
  expect(relays.isAlive(host(1n))).toBe(true);
  expect(wait(1)).toEqual(["r"]);
  expect(relays.isAlive(host(1n))).toBe(false);
  expect(wait(5)).toEqual([]);
  expect(relays.heard(word(1n))).toBe(true);
  expect(relays.isAlive(host(1n))).toBe(true);
  expect(relays.heard(word(1n))).toBe(false);
});

test("a host's presence is a word of its relay; without another one that is silent too", () => {
  const { relays, wait } = lives();
  relays.heardOf(host(3n));
  expect(relays.isAlive(host(3n))).toBe(true);
  expect(wait(15)).toEqual([]);
  expect(wait(1)).toEqual(["r"]);
});

test("a word that a host went says nothing of a relay's life", () => {
  const { relays } = lives();
  expect(relays.heardOf(host(3n, false))).toBe(false);
  expect(relays.isAlive(host(3n))).toBe(false);
});

test("a newer life ends the older one, whose late words count no more", () => {
  const { relays } = lives();
  relays.heard(word(1n));
  expect(relays.heard(word(2n))).toBe(true);
  expect([relays.isAlive(host(1n)), relays.isAlive(host(2n))]).toEqual([false, true]);
  expect(relays.heard(word(1n))).toBe(false);
  expect(relays.isAlive(host(2n))).toBe(true);
  expect(relays.heardOf(host(3n))).toBe(true);
  expect([relays.isAlive(host(2n)), relays.isAlive(host(3n))]).toEqual([false, true]);
});

test("a last word ends a relay at once", () => {
  const { relays } = lives();
  relays.heard(word(1n));
  expect(relays.heard(word(1n, false))).toBe(true);
  expect(relays.isAlive(host(1n))).toBe(false);
  expect(relays.counts()).toEqual({ alive: 0, gone: 1 });
});

test("time in which this process stood still is nobody's silence", () => {
  const { relays, wait, standStill } = lives();
  relays.heard(word(1n));
  expect(standStill(600)).toEqual([]);
  expect(relays.isAlive(host(1n))).toBe(true);
  expect(wait(8)).toEqual(["r"]);
});
