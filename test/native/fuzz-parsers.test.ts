// The addon's parsers of what others wrote, under the sanitizers of addresses and of undefined behaviour.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findPackageRoot } from "../../services/shared/package-root.js";

const inputs = 1_000_000;
const sources = [
  "test/native/fuzz/fuzz_parsers.cc",
  "native/linux/stat_line.cc",
  "native/linux/profile/elf_symbols.cc",
  "native/linux/profile/text_symbols.cc",
];

const folder = mkdtempSync(join(tmpdir(), "fuzz-parsers-"));
const program = join(folder, "fuzz-parsers");
const root = fileURLToPath(findPackageRoot());
const sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const built = spawnSync("c++", ["-std=c++17", "-O1", "-g", ...sanitize, "-Inative", "-o", program, ...sources], {
  cwd: root,
  encoding: "utf8",
});
afterAll(() => rmSync(folder, { recursive: true }));

// A compiler without the sanitizers cannot build it: that is told as skipped.
const isMissing = built.error !== undefined || /cannot find .*(asan|ubsan)/.test(built.stderr);

test.skipIf(isMissing)(`${inputs} broken inputs do no harm`, { timeout: 90_000 }, () => {
  expect(built.stderr).toBe("");
  const ran = spawnSync(program, [String(inputs), "20261123"], { encoding: "utf8", timeout: 80_000 });
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: "" });
  expect(ran.stdout).toBe(`${inputs} inputs\n`);
});
