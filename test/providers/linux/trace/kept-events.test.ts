// The memory of batches is used again; what is kept of them stays what it was.
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { CaptureEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { openKernelCapture } from "../../../../services/providers/linux/trace/kernel-capture.js";
import { Tail } from "../../../../services/providers/linux/trace/tail.js";
import { ownPrograms } from "../capture/events-of.js";
import { addon, test } from "../require-tracing.js";

const batchesInFlight = 8;
const rounds = 3 * batchesInFlight;

test.each([1, 5, 1000])("the newest %i events are told as they were when they came", async (keep) => {
  const capture = await openKernelCapture(addon, { kinds: ["exec"], filter: ownPrograms("echo") });
  const tail = new Tail(keep);
  const seen: CaptureEvent[] = [];
  let batches = 0;
  const batchesOf = capture.events()[Symbol.asyncIterator]();
  for (let round = 0; round < rounds; round++) {
    for (let count = 0; count <= round % 3; count++) spawnSync("/bin/echo", [`${round}-${count}`]);
    const { value } = await batchesOf.next();
    seen.push(...value.decode());
    tail.take(value);
    batches++;
  }
  await capture.close();
  for (let next = await batchesOf.next(); !next.done; next = await batchesOf.next()) {
    seen.push(...next.value.decode());
    tail.take(next.value);
  }
  expect(batches).toBe(rounds);
  expect(seen).toHaveLength(2 * rounds);
  expect(tail.events()).toEqual(seen.slice(-keep));
});

test("batches that are given back come in the same memory", async () => {
  const capture = await openCapture(addon, { kinds: ["exec"], filter: ownPrograms("echo") });
  const given: ArrayBufferLike[] = [];
  const taking = capture.batches[Symbol.asyncIterator]();
  for (let round = 0; round < rounds; round++) {
    spawnSync("/bin/echo");
    given.push((await taking.next()).value.buffer);
  }
  await capture.close();
  expect((await taking.next()).done).toBe(true);
  expect(given).toHaveLength(rounds);
  expect(new Set(given).size).toBeLessThanOrEqual(batchesInFlight);
});

test("of more batches than may be in flight, which nobody takes before the end, none is written over", async () => {
  const capture = await openKernelCapture(addon, { kinds: ["exec"], filter: ownPrograms("echo") });
  for (let round = 0; round < rounds; round++) {
    spawnSync("/bin/echo", [`${round}`]);
    // Longer than the reader waits until it looks again.
    await sleep(20);
  }
  const { exec } = await capture.close();
  const told: string[] = [];
  for await (const batch of capture.events()) {
    for (const event of batch.decode()) if (event.kind === "exec") told.push(event.argv[1] as string);
  }
  expect(told).toEqual(Array.from({ length: rounds }, (_, round) => `${round}`));
  expect(exec.submitted).toBe(rounds);
});
