// Files that are really opened, and what becomes of their names.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { test } from "../require-tracing.js";
import { captureWhile } from "./capture-under-test.js";
import { eventsOf, ownPrograms, perl, systemCall } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "file-open-"));
mkdirSync(join(directory, "real"));
writeFileSync(join(directory, "real", "file"), "");
symlinkSync("real", join(directory, "link"));
const deep = Array.from({ length: 20 }, (_, index) => `level-${index}`).join("/");
mkdirSync(join(directory, deep), { recursive: true });
writeFileSync(join(directory, deep, "file"), "");

afterAll(() => rmSync(directory, { recursive: true }));

// dd opens its input with nothing around it.
async function openedBy(path: string) {
  const { events } = await captureWhile({ kinds: ["fileOpen"], filter: ownPrograms("dd") }, () => {
    spawnSync("/bin/dd", [`if=${path}`, "of=/dev/null"], { cwd: directory });
  });
  return events.flatMap((event) => (event.kind === "fileOpen" ? [event] : []));
}

test.each([
  ["an absolute path", join(directory, "real/file"), join(directory, "real/file")],
  ["a relative path", "real/file", join(directory, "real/file")],
  ["a path over a link", "link/../link/file", join(directory, "real/file")],
  ["a path twenty levels deep", join(deep, "file"), join(directory, deep, "file")],
  ["a path on another file system", "/proc/self/../version", "/proc/version"],
])("%s is told as the kernel knows it", async (_what, given, expected) => {
  const opened = await openedBy(given);
  expect(opened).toContainEqual(expect.objectContaining({ path: expected, isResolved: true, flags: 0 }));
});

test("a file that is not there is told as the caller named it, with the errno", async () => {
  const opened = await openedBy("real/../missing");
  expect(opened).toContainEqual(expect.objectContaining({ path: "real/../missing", isResolved: false, result: -2 }));
});

test("a file that is not there is told with the directory that its name is relative to", async () => {
  const opened = await openedBy("missing");
  expect(opened).toContainEqual(expect.objectContaining({ path: "missing", directory, result: -2 }));
});

test("a path of 4 KiB is told whole", async () => {
  const names = Array.from({ length: 16 }, (_, index) => String.fromCharCode(97 + index).repeat(238)).join("/");
  const path = join(directory, names, "file").padEnd(4095, "x");
  mkdirSync(join(directory, names), { recursive: true });
  writeFileSync(path, "");
  expect(await openedBy(path)).toContainEqual(expect.objectContaining({ path, isResolved: true }));
});

test("a path of more directories than are followed is what the caller gave", async () => {
  const many = "m/".repeat(80);
  mkdirSync(join(directory, many), { recursive: true });
  writeFileSync(join(directory, many, "file"), "");
  const path = join(directory, many, "file");
  expect(await openedBy(path)).toContainEqual(expect.objectContaining({ path, isResolved: false }));
});

test("a name that is not UTF-8 is told with its bytes", async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9])]), "");
  const events = await eventsOf("fileOpen", { comms: ["perl"], paths: [directory] }, () => {
    perl('open(my $f, "<", "caf\\xe9") or die $!', [], directory);
  });
  expect(events).toMatchObject([{ path: `${directory}/caf\\xe9`, isResolved: true }]);
});

const atCurrent = -100;
const O_PATH_READ = 0;
test.each(
  [
    [
      "openat2",
      `my ($p, $how) = ("real/file", pack("QQQ", 0x80000, 0, 0));
    syscall(437, ${atCurrent}, $p, $how, 24) >= 0 or die $!`,
      { flags: 0x80000, mode: 0 },
    ],
    ["creat", `my $p = "real/file"; syscall(85, $p, 0600) >= 0 or die $!`, { flags: 0o1101, mode: 0o600 }],
    [
      "open_by_handle_at",
      `my ($p, $h, $m) = ("real/file", pack("Ii", 128, 0) . "\\0" x 128, pack("i", 0));
    syscall(${systemCall.nameToHandleAt}, ${atCurrent}, $p, $h, $m, 0) == 0 or die $!; opendir(my $d, ".") or die;
    syscall(${systemCall.openByHandleAt}, fileno($d), $h, ${O_PATH_READ}) >= 0 or die $!`,
      { flags: 0, mode: 0 },
    ],
  ].filter(([name]) => name !== "creat" || process.arch === "x64") as [string, string, object][],
)("%s tells the file that it opens", async (_what, script, call) => {
  const paths = [join(directory, "real")];
  const events = await eventsOf("fileOpen", { comms: ["perl"], paths }, () => perl(script, [], directory));
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path: join(directory, "real/file"), isResolved: true, ...call });
});
