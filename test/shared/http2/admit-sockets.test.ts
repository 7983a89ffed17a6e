// Handshakes a few at a time, in order, and silent peers that keep nobody out.
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSocketAdmission, type SocketAdmission } from "../../../services/shared/http2/admit-sockets.js";

const atOnce = 64;
let served: number[];
let admission: SocketAdmission;

beforeEach(() => {
  vi.useFakeTimers();
  served = [];
  admission = createSocketAdmission((socket) => served.push((socket as unknown as { number: number }).number));
});

afterEach(() => {
  admission.stop();
  vi.useRealTimers();
});

function admitMany(count: number): number[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  for (const number of numbers) admission.admit({ number } as unknown as Socket);
  return numbers;
}

test("so many are served at once, the next ones as handshakes end, in the order in which they came", () => {
  const numbers = admitMany(200);
  expect(served).toEqual(numbers.slice(0, atOnce));
  for (let ended = 0; ended < 30; ended++) admission.leave();
  expect(served).toEqual(numbers.slice(0, atOnce + 30));
});

test("ends that come while nobody waits make no more room than there was", () => {
  for (let ended = 0; ended < 500; ended++) admission.leave();
  admitMany(200);
  expect(served).toHaveLength(atOnce);
});

test("when no handshake ends for a quarter of a second, as many more are served, and so on", () => {
  const numbers = admitMany(200);
  vi.advanceTimersByTime(249);
  expect(served).toHaveLength(atOnce);
  vi.advanceTimersByTime(1);
  expect(served).toHaveLength(2 * atOnce);
  vi.advanceTimersByTime(500);
  expect(served).toEqual(numbers);
});

test("as long as some end, nobody else is served before his turn", () => {
  admitMany(200);
  for (let ended = 1; ended <= 10; ended++) {
    vi.advanceTimersByTime(200);
    admission.leave();
  }
  expect(served).toHaveLength(atOnce + 10);
});

test("nobody who waits is served after the stop", () => {
  admitMany(200);
  admission.stop();
  vi.advanceTimersByTime(1_000);
  expect(served).toHaveLength(atOnce);
});
