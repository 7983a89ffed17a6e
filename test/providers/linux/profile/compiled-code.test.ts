import { execFileSync } from "node:child_process";
import { chownSync, existsSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { waitFor } from "../../../shared/wait-for.js";
import { test } from "../require-tracing.js";
import { profileUntil, shareOf, whileRunning } from "./profile-under-test.js";

const samplesPerSecond = 499;
const script = `
function innermostLoop(n) { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i); return sum; }
function outermostCaller() { const end = Date.now() + 30000; while (Date.now() < end) innermostLoop(1e5); }
require("fs").writeFileSync("started", "");
outermostCaller();`;
// A function that was put into its caller has no frame.
const flags = ["--perf-basic-prof", "--interpreted-frames-native-stack", "--no-turbo-inlining", "-e", script];

function hasName(map: string, name: string): boolean {
  return existsSync(map) && readFileSync(map, "utf8").includes(name);
}

test("functions of a busy Node.js process stand in its stacks, callers above", async () => {
  await whileRunning([process.execPath, ...flags], async (pid) => {
    await waitFor(() => hasName(`/tmp/perf-${pid}.map`, "innermostLoop"), "its map to name the loop");
    const profile = await profileUntil(200, { samplesPerSecond, pids: [pid] }).finally(() =>
      unlinkSync(`/tmp/perf-${pid}.map`),
    );
    expect(shareOf(profile, /innermostLoop/)).toBeGreaterThan(0.8);
    const names = profile.stacks.map(({ frames }) => frames.map(({ name }) => name));
    const whole = names.find((stack) => stack.some((name) => name.includes("innermostLoop"))) ?? [];
    const outer = whole.findIndex((name) => name.includes("outermostCaller"));
    expect(outer).toBeGreaterThan(0);
    expect(whole.findIndex((name) => name.includes("innermostLoop"))).toBeGreaterThan(outer);
    expect(whole.slice(0, outer).join()).toContain("node::Start(int, char**)");
  });
});

test("in a container's namespaces the map is found by the inner pid, in the inner /tmp", async () => {
  // A shell between unshare and node would be the one that is profiled.
  const mounted = 'mount -t tmpfs none /tmp && exec "$0" "$@"';
  const inside = ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounted, process.execPath, ...flags];
  await whileRunning(["unshare", ...inside], async (pid) => {
    const childNow = () => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
    const isMapped = () => childNow() > 0 && hasName(`/proc/${childNow()}/root/tmp/perf-1.map`, "innermostLoop");
    await waitFor(isMapped, "the map in the container to name the loop");
    const child = childNow();
    const profile = await profileUntil(150, { samplesPerSecond, pids: [child] });
    expect(shareOf(profile, /innermostLoop/)).toBeGreaterThan(0.8);
    expect(readFileSync(`/proc/${child}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m);
  });
});

test("a map that another user wrote is not believed", async () => {
  await whileRunning([process.execPath, "-e", script], async (pid) => {
    // It compiles nothing while it starts.
    await waitFor(() => existsSync(`/proc/${pid}/cwd/started`), "the loop to begin");
    const map = `/tmp/perf-${pid}.map`;
    writeFileSync(map, "0 7fffffffffff forged\n");
    const forgedShare = async () => shareOf(await profileUntil(60, { samplesPerSecond, pids: [pid] }), "forged");
    try {
      expect(await forgedShare()).toBeGreaterThan(0.3);
      chownSync(map, 65534, 65534);
      expect(await forgedShare()).toBe(0);
    } finally {
      unlinkSync(map);
    }
  });
});

test("a pipe and a link in the place of a map are left alone", async () => {
  await whileRunning([process.execPath, "-e", script], async (pid) => {
    // It compiles nothing while it starts.
    await waitFor(() => existsSync(`/proc/${pid}/cwd/started`), "the loop to begin");
    const map = `/tmp/perf-${pid}.map`;
    for (const make of [() => execFileSync("mkfifo", [map]), () => execFileSync("ln", ["-s", "/proc/kallsyms", map])]) {
      make();
      try {
        const profile = await profileUntil(60, { samplesPerSecond, pids: [pid] });
        expect(shareOf(profile, /^\[anonymous\+0x/)).toBeGreaterThan(0.3);
      } finally {
        unlinkSync(map);
      }
    }
  });
});
