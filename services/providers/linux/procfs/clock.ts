// Units of /proc: clock ticks, pages, and when the host booted.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";

/** Sizes that the kernel told this process at its start. */
export interface KernelUnits {
  readonly pageBytes: number;
  readonly ticksPerSecond: number;
}

const pageSizeTag = 6;
const clockTickTag = 17;

/** Page size and clock tick from an auxiliary vector (getauxval(3)) of 64-bit words. */
export function parseAuxiliaryVector(bytes: Buffer, byteOrder: "LE" | "BE" = endianness()): KernelUnits {
  const values = new Map<number, number>();
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const word = (offset: number) =>
      Number(byteOrder === "LE" ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset));
    values.set(word(at), word(at + 8));
  }
  const [pageBytes, ticksPerSecond] = [values.get(pageSizeTag), values.get(clockTickTag)];
  if (!pageBytes || !ticksPerSecond) throw new Error("/proc/self/auxv has no AT_PAGESZ or AT_CLKTCK");
  return { pageBytes, ticksPerSecond };
}

let units: KernelUnits | undefined;

/** The units of this kernel; read once, they never change. */
export function kernelUnits(): KernelUnits {
  units ??= parseAuxiliaryVector(readFileSync("/proc/self/auxv"));
  return units;
}

/** Boot time and time since then. */
export interface BootClock {
  /** Milliseconds since the epoch, to the second: the kernel's own btime, the same at every call. */
  readonly bootTimeMs: number;
  readonly uptimeSeconds: number;
}

/** Reads /proc/stat and /proc/uptime. */
export async function readBootClock(): Promise<BootClock> {
  const [stat, uptime] = await Promise.all([readFile("/proc/stat", "latin1"), readFile("/proc/uptime", "latin1")]);
  return { bootTimeMs: parseBootTime(stat) * 1000, uptimeSeconds: Number.parseFloat(uptime) };
}

/** Seconds since the epoch from /proc/stat's btime. */
export function parseBootTime(statText: string): number {
  const found = /^btime (\d+)$/m.exec(statText);
  if (!found) throw new Error("/proc/stat has no btime");
  return Number(found[1]);
}

/** When a process with this start began. */
export function startTimestamp(clock: BootClock, startTicks: number): Timestamp {
  return timestampFromMs(clock.bootTimeMs + (startTicks * 1000) / kernelUnits().ticksPerSecond);
}
