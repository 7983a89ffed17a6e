import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { untilAborted } from "../../services/shared/until-aborted.js";

const never = new Promise<never>(() => {});

it("gives the outcome, and leaves no listener behind", async () => {
  const { signal } = new AbortController();
  await expect(untilAborted(Promise.resolve(1), signal)).resolves.toBe(1);
  await expect(untilAborted(Promise.reject(new Error("own")), signal)).rejects.toThrow("own");
  await new Promise(setImmediate);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

it("rejects with the signal's reason when it is aborted meanwhile or was before", async () => {
  const controller = new AbortController();
  const waiting = untilAborted(never, controller.signal);
  controller.abort(new Error("cancelled"));
  await expect(waiting).rejects.toThrow("cancelled");
  await expect(untilAborted(never, controller.signal)).rejects.toThrow("cancelled");
});

it("swallows nothing that is still unhandled when the work fails after the abort", async () => {
  let fail: (error: Error) => void = () => {};
  const work = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const waiting = untilAborted(work, AbortSignal.abort(new Error("deadline")));
  await expect(waiting).rejects.toThrow("deadline");
  fail(new Error("too late to matter"));
  // vitest fails the run for an unhandled rejection.
  await new Promise(setImmediate);
});
