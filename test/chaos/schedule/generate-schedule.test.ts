import { expect, test } from "vitest";
import { generateSchedule } from "./generate-schedule.js";
import { faultKinds } from "./schedule.js";

const options = { hosts: 24, groups: 2, kinds: faultKinds };
const seeds = Array.from({ length: 200 }, (_, index) => `1/${index}`);

test("the same seed gives the same schedule, another seed another one", () => {
  expect(generateSchedule({ ...options, seed: "1/0" })).toEqual(generateSchedule({ ...options, seed: "1/0" }));
  expect(new Set(seeds.map((seed) => JSON.stringify(generateSchedule({ ...options, seed })))).size).toBe(seeds.length);
});

test("200 epochs draw every fault, after times and events, and every kind of order", () => {
  const epochs = seeds.map((seed) => generateSchedule({ ...options, seed }));
  const faults = epochs.flatMap((epoch) => epoch.faults);
  const orders = epochs.flatMap((epoch) => epoch.orders);
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
  expect(new Set(faults.map(({ trigger }) => trigger.at))).toEqual(new Set(["time", "event"]));
  expect(new Set(orders.map(({ kind }) => kind))).toEqual(new Set(["read", "change"]));
  expect(new Set(orders.map(({ selector }) => selector.by))).toEqual(new Set(["all", "label", "names"]));
  expect(orders.some(({ cancelAfterMs }) => cancelAfterMs !== undefined)).toBe(true);
  expect(epochs.some(({ lastKill }) => lastKill !== undefined)).toBe(true);
});

test("only faults that are asked for are drawn", () => {
  const kinds = ["relay kill", "disk full"] as const;
  const drawn = seeds.flatMap((seed) => generateSchedule({ ...options, kinds, seed }).faults.map(({ kind }) => kind));
  expect(new Set(drawn)).toEqual(new Set(kinds));
});
