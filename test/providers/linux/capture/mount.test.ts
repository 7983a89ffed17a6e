// File systems that are really mounted and unmounted, in a mount namespace that ends with its process.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "mount-"));
const target = join(directory, "target");
mkdirSync(target);
afterAll(() => rmSync(directory, { recursive: true }));

const MS_NODEV = 4;
const MNT_DETACH = 2;
const inOwnNamespace = (script: string, ...args: string[]) =>
  spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", ...args], { cwd: directory });

test("mount tells source, target, type, flags and result", async () => {
  const events = await eventsOf("mount", ownPrograms("mount"), () => {
    inOwnNamespace('mount -t tmpfs -o nodev some-source "$1"', target);
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path: target, source: "some-source", type: "tmpfs", flags: MS_NODEV, result: 0 });
});

test("a mount that is refused tells the errno", async () => {
  const events = await eventsOf("mount", ownPrograms("mount"), () =>
    inOwnNamespace('mount -t unknown-type x "$1"', target),
  );
  expect(events).toMatchObject([{ path: target, type: "unknown-type", result: -19 }]);
});

test("a mount by descriptor tells its target and the directory that it is relative to", async () => {
  // fsopen, fsconfig (create), fsmount, move_mount (empty path).
  const script = `my ($type, $empty, $target) = ("tmpfs", "", "target"); my $fs = syscall(430, $type, 0); syscall(431, $fs, 6, 0, 0, 0) == 0 or die $!;
    my $mount = syscall(432, $fs, 0, 0); syscall(429, $mount, $empty, -100, $target, 4) == 0 or die $!`;
  const events = await eventsOf("mount", ownPrograms("perl"), () => inOwnNamespace('perl -e "$1"', script));
  expect(events).toMatchObject([{ path: "target", directory, source: "", type: "", flags: 4, result: 0 }]);
});

test.each([
  ["umount", "", 0, 0],
  ["umount --lazy", "--lazy", MNT_DETACH, 0],
])("%s tells target, flags and result", async (_what, option, flags, result) => {
  const events = await eventsOf("umount", ownPrograms("umount"), () => {
    inOwnNamespace(`mount -t tmpfs x "$1" && umount ${option} "$1"`, target);
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path: target, result });
  expect((events[0]?.flags ?? 0) & MNT_DETACH).toBe(flags);
});

test("a filter by path lets through what is mounted below it, and nothing else", async () => {
  const other = join(directory, "other");
  mkdirSync(other);
  const events = await eventsOf("mount", { paths: [target] }, () => {
    inOwnNamespace('mount -t tmpfs x "$1" && mount -t tmpfs x "$2"', other, target);
  });
  expect(events.map(({ path }) => path)).toEqual([target]);
});
