// A StopController is to its listeners what an AbortController is.
import { expect, test } from "vitest";
import { StopController } from "../../services/shared/stop-controller.js";

const reason = new Error("enough");

test("listeners are called once, in order, with the first reason; who left or came late is not", () => {
  const stop = new StopController();
  const calls: string[] = [];
  const leaves = () => calls.push("left");
  stop.addEventListener("abort", () => calls.push("first"));
  stop.addEventListener("abort", leaves);
  stop.addEventListener("abort", () => calls.push("second"));
  stop.removeEventListener("abort", leaves);
  stop.removeEventListener("abort", leaves);
  stop.abort(reason);
  stop.abort(new Error("again"));
  stop.addEventListener("abort", () => calls.push("late"));
  expect(calls).toEqual(["first", "second"]);
  expect(stop.aborted).toBe(true);
  expect(stop.reason).toBe(reason);
});

test("it throws its reason when it is aborted, and nothing before", () => {
  const stop = new StopController();
  expect(() => stop.throwIfAborted()).not.toThrow();
  stop.abort(reason);
  expect(() => stop.throwIfAborted()).toThrow(reason);
});

test("its platform's signal follows it, is made once, and can be made late", () => {
  const stop = new StopController();
  const signal = stop.toAbortSignal();
  const heard: unknown[] = [];
  signal.addEventListener("abort", () => heard.push(signal.reason));
  expect(signal.aborted).toBe(false);
  expect(stop.toAbortSignal()).toBe(signal);
  stop.abort(reason);
  expect(heard).toEqual([reason]);
  const late = new StopController();
  late.abort(reason);
  expect(late.toAbortSignal().aborted).toBe(true);
  expect(late.toAbortSignal().reason).toBe(reason);
});
