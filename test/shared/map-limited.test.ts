import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, test } from "vitest";
import { mapLimited } from "../../services/shared/map-limited.js";

test.each([
  [0, 3],
  [1, 3],
  [10, 3],
  [10, 1],
  [3, 100],
])("%i items keep their order with at most %i in flight", async (count, limit) => {
  let inFlight = 0;
  let most = 0;
  const items = Array.from({ length: count }, (_, index) => index);
  const results = await mapLimited(items, limit, async (item) => {
    most = Math.max(most, ++inFlight);
    await sleep((count - item) % 3);
    inFlight--;
    return item * 2;
  });
  expect(results).toEqual(items.map((item) => item * 2));
  expect(most).toBe(Math.min(count, limit));
});

it("rejects with the first failure and starts no more", async () => {
  const started: number[] = [];
  const run = async (item: number) => {
    started.push(item);
    await sleep(1);
    if (item === 1) throw new Error("second");
  };
  await expect(mapLimited([0, 1, 2, 3, 4, 5, 6, 7], 2, run)).rejects.toThrow("second");
  await sleep(20);
  expect(started.length).toBeLessThanOrEqual(4);
});
