// A process that really runs out of the memory of its cgroup.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cannotTrace } from "../require-tracing.js";
import { eventsOf } from "./events-of.js";

const megabyte = 1024 * 1024;
const limit = 24 * megabyte;
const group = cannotTrace === undefined ? makeMemoryGroup() : undefined;

afterAll(() => {
  if (group) rmdirSync(group);
});

test.skipIf(!group)("the victim is told with its memory and its cgroup", async () => {
  const script = 'echo $$ > "$0/cgroup.procs" && exec perl -e "\\$x = q(a) x (200 << 20)"';
  const events = await eventsOf("oomKill", {}, () => {
    const { signal } = spawnSync("sh", ["-c", script, group ?? ""]);
    expect(signal).toBe("SIGKILL");
  });
  const event = events.find(({ subject }) => subject.parent === process.pid);
  expect(event).toMatchObject({ subject: { comm: "perl" }, trigger: { comm: "perl" }, scoreAdjustment: 0 });
  expect(event?.trigger.pid).toBe(event?.subject.pid);
  expect(event?.memoryCgroup).toBe(statSync(group ?? "", { bigint: true }).ino);
  expect(event?.virtualBytes).toBeGreaterThan(200n * BigInt(megabyte));
  // The kernel's own figure is behind by what each CPU has not added yet.
  expect(event?.anonymousBytes).toBeGreaterThan(BigInt(limit / 4));
  expect(event?.anonymousBytes).toBeLessThan(BigInt(2 * limit));
  expect(event?.pageTableBytes).toBeGreaterThan(0n);
});

// Of cgroup v2, or v1 where that one has the memory.
function makeMemoryGroup(): string | undefined {
  const unified = "/sys/fs/cgroup";
  const isUnified = existsSync(join(unified, "cgroup.subtree_control"));
  if (isUnified && !readFileSync(join(unified, "cgroup.subtree_control"), "utf8").includes("memory")) return explain();
  const root = isUnified ? unified : join(unified, "memory");
  if (!existsSync(root)) return explain();
  const made = join(root, `oom-kill-test-${process.pid}`);
  mkdirSync(made);
  writeFileSync(join(made, isUnified ? "memory.max" : "memory.limit_in_bytes"), String(limit));
  return made;
}

function explain(): undefined {
  console.warn("oom-kill is skipped: no cgroup hierarchy of this machine limits memory");
  return undefined;
}
