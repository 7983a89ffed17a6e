// Files that are really opened, and what becomes of their names.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { captureWhile } from "./capture-under-test.js";

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
  const { events } = await captureWhile({ kinds: ["fileOpen"], filter: { comms: ["dd"] } }, () => {
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
