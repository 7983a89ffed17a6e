import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { settled } from "../../services/shared/settled.js";

test("work that fails before anybody awaits it ends nothing, and its failure is told to who does", async () => {
  const work = Promise.reject(new Error("the disk is full"));
  const all = settled(work);
  // Unhandled rejections end a process, and this test, after the turn in which they come.
  await turn();
  await expect(all).resolves.toBeUndefined();
  await expect(work).rejects.toThrow("the disk is full");
});

test("what follows waits until the work has settled", async () => {
  const order: string[] = [];
  const work = turn().then(() => order.push("settled"));
  await settled(work).then(() => order.push("followed"));
  expect(order).toEqual(["settled", "followed"]);
});
