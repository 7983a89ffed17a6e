import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, it, test } from "vitest";
import {
  kernelUnits,
  parseAuxiliaryVector,
  parseBootTime,
  readBootClock,
  startTimestamp,
} from "../../../../services/providers/linux/procfs/clock.js";

function vector(entries: [bigint, bigint][], byteOrder: "LE" | "BE"): Buffer {
  const bytes = Buffer.alloc(entries.length * 16);
  entries.flat().forEach((word, index) => {
    if (byteOrder === "LE") bytes.writeBigUInt64LE(word, index * 8);
    else bytes.writeBigUInt64BE(word, index * 8);
  });
  return bytes;
}

test.each(["LE", "BE"] as const)("an auxiliary vector in %s gives page size and clock tick", (byteOrder) => {
  const bytes = vector(
    [
      [33n, 0x7ffd00n],
      [6n, 65536n],
      [17n, 100n],
      [0n, 0n],
    ],
    byteOrder,
  );
  expect(parseAuxiliaryVector(bytes, byteOrder)).toEqual({ pageBytes: 65536, ticksPerSecond: 100 });
});

test.each<[string, [bigint, bigint][]]>([
  ["empty", []],
  ["without AT_CLKTCK", [[6n, 4096n]]],
])("an auxiliary vector that is %s is an error", (_, entries) => {
  expect(() => parseAuxiliaryVector(vector(entries, "LE"), "LE")).toThrow("AT_PAGESZ or AT_CLKTCK");
});

it("has this machine's units", () => {
  const getconf = (name: string) => Number(execFileSync("getconf", [name], { encoding: "utf8" }));
  expect(kernelUnits()).toEqual({ pageBytes: getconf("PAGESIZE"), ticksPerSecond: getconf("CLK_TCK") });
});

it("finds the boot time among the counters", () => {
  expect(parseBootTime("cpu  1 2 3\nintr 5\nbtime 1795379488\nprocesses 4\n")).toBe(1795379488);
  expect(() => parseBootTime("cpu  1 2 3\n")).toThrow("no btime");
});

it("dates this very process within a second of Node's own reckoning", async () => {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const startTicks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const started = timestampMs(startTimestamp(await readBootClock(), startTicks));
  expect(Math.abs(started - (Date.now() - process.uptime() * 1000))).toBeLessThan(1500);
});
