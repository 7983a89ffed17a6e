import { expect, test } from "vitest";
import { createAsyncQueue } from "../../services/shared/async-queue.js";

test("what is pushed before and while it is read comes out in order, until the end", async () => {
  const queue = createAsyncQueue<{ number: number }>();
  queue.push({ number: 1 });
  setTimeout(() => {
    queue.push({ number: 2 });
    queue.push({ number: 3 });
    queue.end();
    queue.push({ number: 4 });
  }, 5);
  const read: number[] = [];
  for await (const { number } of queue) read.push(number);
  expect(read).toEqual([1, 2, 3]);
});

test("an end with an error comes before what is not read yet, and a later end changes nothing", async () => {
  const queue = createAsyncQueue<{ number: number }>();
  queue.push({ number: 1 });
  queue.end(new Error("cut"));
  queue.end();
  const reading = (async () => {
    for await (const item of queue) throw new Error(`read ${item.number}`);
  })();
  await expect(reading).rejects.toThrow("cut");
});
