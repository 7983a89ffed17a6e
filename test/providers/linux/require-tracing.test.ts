// What becomes of tests that trace where they may not: run as nobody, who may trace nothing.
import { execa } from "execa";
import { expect, test } from "vitest";
import { findPackageRoot } from "../../../services/shared/package-root.js";

const isRoot = process.getuid?.() === 0;
const words = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];
const vitest = ["node_modules/vitest/vitest.mjs", "run", "--configLoader", "runner"];

function runAsNobody(file: string, CI: string) {
  const options = { cwd: findPackageRoot(), env: { CI, NO_COLOR: "1", HOME: "/" }, reject: false, all: true } as const;
  return execa("setpriv", [...words, ...vitest, file], options);
}

test
  .skipIf(!isRoot)
  .each([
    "test/providers/linux/capture/process-events.test.ts",
    "test/providers/linux/capture/network-connections.test.ts",
    "test/providers/linux/profile/accounts.test.ts",
    "test/providers/linux/trace/trace-sessions.test.ts",
  ])("%s is skipped with the reason, and is an error in CI", async (file) => {
  const skipped = await runAsNobody(file, "");
  expect(skipped.all).toMatch(/skipped, this machine has no kernel that can be traced: .*Operation not permitted/);
  expect(skipped.all).toMatch(/Tests +\d+ skipped/);
  expect(skipped.exitCode).toBe(0);
  const inCi = await runAsNobody(file, "true");
  expect(inCi.all).toMatch(/in CI every suite must run, but this machine has no kernel that can be traced/);
  expect(inCi.exitCode).toBe(1);
});
