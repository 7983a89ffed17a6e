// Files that really get another name or lose theirs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms, perl } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "file-rename-"));
const atCurrent = -100;
const unlinkat = process.arch === "arm64" ? 35 : 263;

beforeEach(() => {
  rmSync(directory, { recursive: true });
  mkdirSync(join(directory, "sub"), { recursive: true });
  writeFileSync(join(directory, "old"), "");
});
afterAll(() => rmSync(directory, { recursive: true }));

test("rename tells both paths, and of each the directory that it is relative to", async () => {
  const events = await eventsOf("fileRename", ownPrograms("perl"), () => {
    perl('rename("old", $ARGV[0]) or die $!', [join(directory, "sub", "new")], directory);
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    result: 0,
    flags: 0,
    from: { path: "old", directory, isResolved: false },
    to: { path: join(directory, "sub", "new"), isResolved: false },
    subject: { comm: "perl", parent: process.pid },
  });
  expect(events[0]?.to.directory).toBeUndefined();
});

test("renameat2 tells its flags, and each path by the directory of its descriptor", async () => {
  // RENAME_NOREPLACE; the target is relative to a descriptor of the folder "sub".
  const script = `opendir(my $d, "sub") or die; my $fd = fileno($d);
    my ($old, $new) = ("old", "new");
    syscall(${process.arch === "arm64" ? 276 : 316}, ${atCurrent}, $old, $fd, $new, 1) == 0 or die $!`;
  const events = await eventsOf("fileRename", ownPrograms("perl"), () => perl(script, [], directory));
  expect(events).toMatchObject([
    { result: 0, flags: 1, from: { path: "old", directory }, to: { path: "new", directory: join(directory, "sub") } },
  ]);
});

test("a rename that is refused tells the errno", async () => {
  const events = await eventsOf("fileRename", ownPrograms("perl"), () =>
    perl('rename("missing", "new") and die', [], directory),
  );
  expect(events).toMatchObject([{ result: -2, from: { path: "missing" }, to: { path: "new" } }]);
});

test("a relative path in the root has the root as its directory", async () => {
  const events = await eventsOf("fileRename", ownPrograms("perl"), () =>
    perl('rename("no-such", "new") and die', [], "/"),
  );
  expect(events).toMatchObject([{ from: { path: "no-such", directory: "/" } }]);
});

test("names that are not UTF-8 are told with their bytes", async () => {
  const events = await eventsOf("fileRename", ownPrograms("perl"), () => {
    perl('rename("old", "gr\\xfc\\xdfe-\\xc3\\xa4") or die $!', [], directory);
  });
  expect(events).toMatchObject([{ result: 0, to: { path: "gr\\xfc\\xdfe-ä" } }]);
});

test("two paths of 4 KiB in a directory of nearly 4 KiB are told whole", async () => {
  const deep = `${"d".repeat(250)}/`.repeat(15);
  mkdirSync(join(directory, deep), { recursive: true });
  const from = `./${"x/".repeat(2046)}`.slice(0, 4095);
  const to = `./${"y/".repeat(2046)}`.slice(0, 4095);
  const script = "chdir($ARGV[0]) or die $!; rename($ARGV[1], $ARGV[2]) and die";
  const events = await eventsOf("fileRename", ownPrograms("perl"), () => perl(script, [deep, from, to], directory));
  const folder = join(directory, deep).replace(/\/$/, "");
  expect(events).toMatchObject([
    { result: -2, from: { path: from, directory: folder }, to: { path: to, directory: folder } },
  ]);
});

test.each([
  ["unlink", 'unlink("old") or die $!', "old", false, 0],
  ["rmdir", 'rmdir("sub") or die $!', "sub", true, 0],
  [
    "unlink of what is not there",
    `my $p = "missing"; syscall(${unlinkat}, ${atCurrent}, $p, 0) == -1 or die`,
    "missing",
    false,
    -2,
  ],
  [
    "unlinkat of a directory",
    `my $sub = "sub"; syscall(${unlinkat}, ${atCurrent}, $sub, 0x200) == 0 or die $!`,
    "sub",
    true,
    0,
  ],
])("%s tells path, directory and result", async (_what, script, path, isDirectory, result) => {
  const events = await eventsOf("fileUnlink", ownPrograms("perl"), () => perl(script, [], directory));
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path, directory, isDirectory, result, isResolved: false });
});

test("nothing of another process comes through the filter", async () => {
  const events = await eventsOf("fileUnlink", { comms: ["nobody"] }, () => perl('unlink("old") or die', [], directory));
  expect(events).toEqual([]);
});
