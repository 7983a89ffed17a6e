// Times since boot, as the kernel's programs tell them, on the wall clock.
import { readFileSync } from "node:fs";
import type { Timestamp } from "@bufbuild/protobuf/wkt";

const nanosPerSecond = 1_000_000_000n;
// The wall clock is set now and then; /proc/uptime tells hundredths of a second, which is how far a time may be off.
const lookEveryMs = 10_000;

let bootNs = 0n;
let lookedAt = Number.NEGATIVE_INFINITY;

/** The wall clock's time of a moment so many nanoseconds after boot. */
export function timeOfBoot(sinceBootNs: bigint): Pick<Timestamp, "seconds" | "nanos"> {
  const time = bootTime() + sinceBootNs;
  return { seconds: time / nanosPerSecond, nanos: Number(time % nanosPerSecond) };
}

/** The nanoseconds from boot to a moment of the wall clock, which is told in nanoseconds since the epoch. */
export function sinceBoot(epochNs: bigint): bigint {
  return epochNs - bootTime();
}

function bootTime(): bigint {
  if (performance.now() - lookedAt > lookEveryMs) {
    bootNs = BigInt(Date.now()) * 1_000_000n - uptimeNs();
    lookedAt = performance.now();
  }
  return bootNs;
}

/** A duration of nanoseconds as a message. */
export function durationOf(nanoseconds: bigint): { seconds: bigint; nanos: number } {
  return { seconds: nanoseconds / nanosPerSecond, nanos: Number(nanoseconds % nanosPerSecond) };
}

function uptimeNs(): bigint {
  const [seconds = "0", hundredths = "0"] = (readFileSync("/proc/uptime", "utf8").split(" ")[0] ?? "").split(".");
  return BigInt(seconds) * nanosPerSecond + BigInt(hundredths.padEnd(9, "0"));
}
