// One timer looks after many.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkRegularly } from "../../services/daemon/check-regularly.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  [100, 1],
  [100, 40],
  [2_500, 1_000],
  [5, 3],
])("every %i ms, each of %i members is called once, and all from one timer", (everyMs, members) => {
  const calls = new Array<number>(members).fill(0);
  const stops = calls.map((_, index) => checkRegularly(everyMs, () => (calls[index] = (calls[index] ?? 0) + 1)));
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(everyMs);
  expect(new Set(calls)).toEqual(new Set([1]));
  vi.advanceTimersByTime(9 * everyMs);
  expect(new Set(calls)).toEqual(new Set([10]));
  for (const stop of stops) stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("calls of many members are spread over the time", () => {
  let calls = 0;
  const stops = Array.from({ length: 160 }, () => checkRegularly(1_600, () => calls++));
  vi.advanceTimersByTime(100);
  expect(calls).toBe(10);
  for (const stop of stops) stop();
});

test("one member alone is woken for once in its time, and not for the slots without anybody", () => {
  const setTimeout = vi.spyOn(globalThis, "setTimeout");
  const stop = checkRegularly(1_600, () => undefined);
  vi.advanceTimersByTime(16_000);
  expect(setTimeout.mock.calls.length).toBeLessThanOrEqual(11);
  stop();
});

test.each([50, 900, 1_550])("who comes %i ms into a round is called within the next", (afterMs) => {
  const stop = checkRegularly(1_600, () => undefined);
  vi.advanceTimersByTime(1_600 + afterMs);
  let calls = 0;
  const others = Array.from({ length: 3 }, () => checkRegularly(1_600, () => calls++));
  vi.advanceTimersByTime(1_600);
  expect(calls).toBe(3);
  for (const end of [stop, ...others]) end();
});

test("who has stopped is not called, and may stop twice", () => {
  let calls = 0;
  const stop = checkRegularly(100, () => calls++);
  const other = checkRegularly(100, () => undefined);
  stop();
  stop();
  vi.advanceTimersByTime(1_000);
  expect(calls).toBe(0);
  expect(vi.getTimerCount()).toBe(1);
  other();
  expect(vi.getTimerCount()).toBe(0);
});
