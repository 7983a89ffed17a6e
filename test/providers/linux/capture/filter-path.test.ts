// A filter by path: what lies below a directory, and nothing else.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { ErrorReason, hasReason } from "../../../../services/shared/errors.js";
import { test } from "../require-tracing.js";
import { addon } from "./capture-under-test.js";
import { eventsOf, ownPrograms, perl } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "filter-path-"));
const log = join(directory, "log");
mkdirSync(log);
writeFileSync(join(log, "file"), "");
writeFileSync(join(directory, "logs"), "");
symlinkSync("log", join(directory, "link"));
afterAll(() => rmSync(directory, { recursive: true }));

const open = (...paths: string[]) => perl('foreach my $path (@ARGV) { open(my $f, "<", $path); }', paths, directory);

async function openedWith(prefix: string, ...paths: string[]) {
  const events = await eventsOf("fileOpen", { paths: [prefix] }, () => open(...paths));
  return events.map(({ path }) => path);
}

test.each([
  ["a file below it", log, join(log, "file"), [join(log, "file")]],
  ["a file below it, with a slash behind the directory", `${log}/`, join(log, "file"), [join(log, "file")]],
  ["the file itself", join(log, "file"), join(log, "file"), [join(log, "file")]],
  ["a file over a link", log, "link/file", [join(log, "file")]],
  ["a relative name of a missing file", log, "log/missing", ["log/missing"]],
  ["a name that only begins like it", log, join(directory, "logs"), []],
  ["a directory above it", log, directory, []],
  ["a missing file elsewhere", log, "missing", []],
])("%s", async (_what, prefix, path, expected) => {
  expect(await openedWith(prefix, path)).toEqual(expected);
});

test("the root is the beginning of every path", async () => {
  expect(await openedWith("/", join(log, "file"), join(directory, "logs"))).toEqual(
    expect.arrayContaining([join(log, "file"), join(directory, "logs")]),
  );
});

test("one of several directories is enough, and the filter can be changed while the capture runs", async () => {
  const events = await eventsOf("fileOpen", { paths: ["/nowhere", log] }, (capture) => {
    open(join(log, "file"), join(directory, "logs"));
    capture.setFilter({ paths: [join(directory, "logs")] });
    open(join(log, "file"), join(directory, "logs"));
  });
  expect(events.map(({ path }) => path)).toEqual([join(log, "file"), join(directory, "logs")]);
});

test("sequences have no gaps where the filter left something out", async () => {
  const names = Array.from({ length: 50 }, (_, index) => (index % 2 ? "log/file" : "logs"));
  const events = await eventsOf("fileOpen", { paths: [log] }, () => open(...names));
  expect(events).toHaveLength(25);
  for (const cpu of new Set(events.map((event) => event.cpu))) {
    const sequences = events.filter((event) => event.cpu === cpu).map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0n) + BigInt(index)));
  }
});

test.each([
  ["from it", "log/a", "b"],
  ["into it", "b", "log/a"],
])("a rename %s passes", async (_what, from, to) => {
  writeFileSync(join(directory, from), "");
  const events = await eventsOf("fileRename", { paths: [log] }, () => {
    perl("rename($ARGV[0], $ARGV[1]) or die; rename($ARGV[2], $ARGV[2])", [from, to, "logs"], directory);
  });
  expect(events).toMatchObject([{ from: { path: from }, to: { path: to } }]);
});

test("events without a path are not asked for one", async () => {
  const events = await eventsOf("exit", { ...ownPrograms("true"), paths: [log] }, () => spawnSync("true"));
  expect(events).toHaveLength(1);
});

test.each([
  ["a relative path", "var/log"],
  ["an empty path", ""],
  ["a path of 247 bytes", `/${"x".repeat(246)}`],
])("%s is refused with what to do", async (_what, path) => {
  const refusal = await openCapture(addon, { kinds: ["fileOpen"], filter: { paths: [path] } }).catch((error) => error);
  expect(hasReason(refusal, ErrorReason.INVALID_ARGUMENT)).toBe(true);
  expect(refusal.message).toContain("name an absolute path of at most 246 bytes");
});

test("a path of 246 bytes is compared whole", async () => {
  const longest = join(directory, "x".repeat(246 - directory.length - 1));
  expect(await openedWith(longest, longest, longest.slice(0, -1), `${longest}x`, `${longest}/below`)).toEqual([
    longest,
    `${longest}/below`,
  ]);
});
