import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { openProfile, type ProfileOptions } from "../../../../services/providers/linux/profile/open-profile.js";
import { ErrorReason, hasReason } from "../../../../services/shared/errors.js";
import { waitFor } from "../../../shared/wait-for.js";
import { heldBy, leftOf } from "../held-in-kernel.js";
import { test } from "../require-tracing.js";
import { addon, compile, hotProgram, profileFor, sumOfEnds, whileRunning, withFolder } from "./profile-under-test.js";

const countedIn = (stacks: readonly { count: number }[]) => stacks.reduce((sum, { count }) => sum + count, 0);

test("all samples of all CPUs are accounted for, and those that were counted are in the stacks", async () => {
  const profile = await profileFor(500, { samplesPerSecond: 999 });
  expect(profile.account.taken).toBeGreaterThan(100);
  expect(profile.account.taken).toBe(sumOfEnds(profile));
  expect(countedIn(profile.stacks)).toBe(profile.account.counted);
  expect(profile.account.filtered).toBe(0);
  expect(profile.cpus).toBeGreaterThan(0);
});

test.each<[string, ProfileOptions, "uncounted" | "lostStacks"]>([
  ["one count", { mostCounts: 1 }, "uncounted"],
  ["one stack", { mostStacks: 1 }, "lostStacks"],
])("with room for %s what has none is counted", async (_, room, field) => {
  // Two programs, so that there are at least two stacks.
  await whileRunning(["sh", "-c", "while :; do :; done"], async () => {
    const profile = await profileFor(500, { samplesPerSecond: 999, ...room });
    expect(profile.account[field]).toBeGreaterThan(0);
    expect(profile.account.taken).toBe(sumOfEnds(profile));
    expect(countedIn(profile.stacks)).toBe(profile.account.counted);
    const lost = profile.stacks.filter(({ frames }) => frames.some(({ name }) => name === "[stack lost: no room]"));
    expect(lost.length > 0).toBe(field === "lostStacks");
  });
});

test("a profile can be read while it is taken; each read has what the one before it had", async () => {
  await withFolder((folder) =>
    whileRunning([compile(folder, hotProgram, [])], async (pid) => {
      const profile = await openProfile(addon, { samplesPerSecond: 499, pids: [pid] });
      let first = await profile.read();
      await waitFor(async () => {
        first = await profile.read();
        return first.account.counted > 10;
      }, "samples");
      await waitFor(async () => (await profile.read()).account.counted > first.account.counted, "more samples");
      const last = await profile.close();
      expect(first.account.counted).toBeGreaterThan(10);
      expect(last.account.counted).toBeGreaterThan(first.account.counted);
      expect(last.durationNs).toBeGreaterThan(first.durationNs);
      expect(await profile.close()).toBe(last);
      await expect(profile.read()).rejects.toThrow("the profile is closed");
    }),
  );
});

test.each<[string, ProfileOptions, ErrorReason, RegExp]>([
  ["a process that is not there", { pids: [4_194_303] }, ErrorReason.UNKNOWN_PROCESS, /no process 4194303.*list the/],
  ["a pid that is none", { pids: [-1] }, ErrorReason.INVALID_ARGUMENT, /-1/],
  ["no samples", { samplesPerSecond: 0 }, ErrorReason.INVALID_ARGUMENT, /0 samples per second.*1 to 10000/],
  ["half a sample", { samplesPerSecond: 0.5 }, ErrorReason.INVALID_ARGUMENT, /0\.5 samples/],
  ["no room", { mostStacks: 0 }, ErrorReason.INVALID_ARGUMENT, /0 stacks/],
])("%s is refused in words that say what to do", async (_, options, reason, words) => {
  const error = await openProfile(addon, options).catch((caught: unknown) => caught);
  expect(hasReason(error, reason)).toBe(true);
  expect(String(error)).toMatch(words);
});

test("an addon that was built without the kernel's part says what to install", async () => {
  const error = await openProfile({}).catch((caught: unknown) => caught);
  expect(hasReason(error, ErrorReason.UNSUPPORTED)).toBe(true);
  expect(String(error)).toContain("install clang, bpftool and libbpf-dev");
});

test("nothing is left of a profile whose process is killed", async () => {
  const script = `
    const { openProfile } = require(${JSON.stringify(builtAddonPath())});
    const none = new BigUint64Array();
    globalThis.open = openProfile({ samplesPerSecond: 99, mostStacks: 64, mostCounts: 64, pids: none, cgroups: none });
    open.then((profile) => { globalThis.profile = profile; console.log("open"); });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const held = heldBy(child.pid as number);
    expect(held).toMatchObject({ programs: [expect.any(Number)] });
    expect(held.maps.length).toBeGreaterThan(5);
    expect(held.clocks).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await once(child, "exit");
    // A clock holds its program, so no program is no clock.
    expect(await leftOf(held)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a profile that was closed leaves no program, map or descriptor in its process", async () => {
  const before = heldBy(process.pid);
  const profile = await openProfile(addon, {});
  const during = heldBy(process.pid);
  expect(during.clocks).toBeGreaterThan(before.clocks);
  await profile.close();
  for (let tries = 0; heldBy(process.pid).maps.length > before.maps.length && tries < 100; tries++) {
    (globalThis.gc ?? (() => undefined))();
    await sleep(10);
  }
  expect(heldBy(process.pid)).toEqual(before);
});
