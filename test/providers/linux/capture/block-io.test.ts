// Requests that a loop device really gets.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "block-io-"));
let device = "";

beforeAll(() => {
  const image = join(directory, "image");
  writeFileSync(image, "");
  truncateSync(image, 1024 * 1024);
  device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
});
afterAll(() => {
  if (device) execFileSync("losetup", ["--detach", device]);
  rmSync(directory, { recursive: true });
});

test.each([
  ["read", ["iflag=direct", "skip=3", "count=1", "of=/dev/null"], "if", 24n, 4096],
  ["write", ["oflag=direct", "seek=5", "count=2", "if=/dev/zero"], "of", 40n, 4096],
] as const)("a %s tells device, sector, bytes, who and how long", async (operation, args, side, first, bytes) => {
  const events = await eventsOf("blockIo", ownPrograms("dd"), () => {
    spawnSync("dd", [...args, "bs=4096", `${side}=${device}`]);
  });
  const ours = events.filter(({ disk }) => disk === basename(device));
  const { rdev } = statSync(device);
  expect(ours.length).toBe(operation === "read" ? 1 : 2);
  ours.forEach((event, index) => {
    expect(event).toMatchObject({
      operation,
      bytes,
      result: 0,
      sector: first + 8n * BigInt(index),
      subject: { comm: "dd" },
    });
    expect(event).toMatchObject({ major: rdev >> 8, minor: rdev & 0xff });
    expect(event.latencyNs).toBeGreaterThan(1000n);
    expect(event.latencyNs).toBeLessThan(10_000_000_000n);
  });
});

test("a flush is told as one", async () => {
  const events = await eventsOf("blockIo", {}, () => {
    spawnSync("dd", ["if=/dev/zero", `of=${device}`, "bs=4096", "count=1", "conv=fsync"]);
  });
  const ours = events.filter(({ disk }) => disk === basename(device));
  expect(ours.map(({ operation }) => operation)).toEqual(expect.arrayContaining(["write", "flush"]));
});

test("nothing of another process comes through the filter", async () => {
  const events = await eventsOf("blockIo", { comms: ["nobody"] }, () => {
    spawnSync("dd", ["iflag=direct", "count=1", "bs=4096", `if=${device}`, "of=/dev/null"]);
  });
  expect(events).toEqual([]);
});
