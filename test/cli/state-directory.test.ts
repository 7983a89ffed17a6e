import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isStateDirectoryLocked, lockStateDirectory, statePaths } from "../../services/cli/state-directory.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "systems-manager-state-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

async function refusal(path: string): Promise<unknown> {
  return lockStateDirectory(path).then(
    async (lock) => lock.close(),
    (error) => error,
  );
}

test("a directory belongs to one process at a time, and is made when it is missing", async () => {
  const path = join(directory, "new");
  const lock = await lockStateDirectory(path);
  expect(await isStateDirectoryLocked(path)).toBe(true);
  const error = await refusal(path);
  expect(hasReason(error, ErrorReason.STORAGE_FAILED)).toBe(true);
  expect(String(error)).toContain(`${path} is in use by another process`);
  await lock.close();
  expect(await isStateDirectoryLocked(path)).toBe(false);
  expect(await refusal(path)).toBeUndefined();
});

test("the lock of a process that was killed is none", async () => {
  const { lock } = statePaths(directory);
  const script = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  expect(spawnSync(process.execPath, ["-e", script, lock]).signal).toBe("SIGKILL");
  expect(existsSync(lock)).toBe(true);
  expect(await isStateDirectoryLocked(directory)).toBe(false);
  expect(await refusal(directory)).toBeUndefined();
});

test.each([
  ["below a file", () => "/dev/null/state"],
  ["with a path too long for a socket", () => join(directory, "x".repeat(120))],
])("a directory %s is refused with its path and a remedy", async (_case, path) => {
  const error = await refusal(path());
  expect(hasReason(error, ErrorReason.STORAGE_FAILED)).toBe(true);
  expect(String(error)).toMatch(/state directory cannot be used: .*--state-dir/);
});
