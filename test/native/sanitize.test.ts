// The addon under the sanitizers of addresses and of threads, in a process of its own: what they find is a defect.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findPackageRoot } from "../../services/shared/package-root.js";

const root = fileURLToPath(findPackageRoot());
const folder = mkdtempSync(join(tmpdir(), "sanitize-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where the compiler has the sanitizer's library; undefined when it has none. */
function findRuntime(library: string): string | undefined {
  const { stdout } = spawnSync("c++", [`-print-file-name=${library}`], { encoding: "utf8" });
  const path = stdout?.trim();
  return path?.startsWith("/") && existsSync(path) ? path : undefined;
}

function buildWith(sanitizer: string): string {
  const output = join(folder, sanitizer);
  const flags = `--CDCMAKE_CXX_FLAGS=-fsanitize=${sanitizer} -fno-omit-frame-pointer -g`;
  const built = spawnSync(join(root, "node_modules/.bin/cmake-js"), ["compile", "-O", output, flags], {
    cwd: root,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`the addon does not build with -fsanitize=${sanitizer}: ${built.stderr}`);
  return join(output, "Release/systems_manager_native.node");
}

const sanitizers = [
  // What Node.js itself keeps until its end is not looked at.
  ["address", "libasan.so", { ASAN_OPTIONS: "detect_leaks=0:halt_on_error=1" }],
  // Node.js is not built with it, so that only accesses in the addon are seen.
  ["thread", "libtsan.so", { TSAN_OPTIONS: "halt_on_error=0:exitcode=66:ignore_noninstrumented_modules=1" }],
] as const;

for (const [sanitizer, library, environment] of sanitizers) {
  const runtime = findRuntime(library);
  // Skipped where the compiler brings no such library.
  test.skipIf(runtime === undefined)(
    `the ${sanitizer} sanitizer finds nothing in captures and profiles`,
    { timeout: 180_000 },
    () => {
      const addon = buildWith(sanitizer);
      const storm = join(root, "test/native/sanitize/storm.cjs");
      const ran = spawnSync(process.execPath, ["--expose-gc", storm, addon, "4"], {
        encoding: "utf8",
        timeout: 120_000,
        env: { ...process.env, ...environment, LD_PRELOAD: runtime },
      });
      expect({ status: ran.status, stderr: ran.stderr, stdout: ran.stdout }).toEqual({
        status: 0,
        stderr: "",
        stdout: "done\n",
      });
    },
  );
}
