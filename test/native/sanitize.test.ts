// The addon under the compiler's sanitizers, in a process of its own: what they find is a defect. Its sessions and snapshots run
// without Node.js, whose locks the sanitizer of threads does not know; the whole addon runs in it under the one of addresses.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { cannotTrace } from "../providers/linux/require-tracing.js";
import { reportSkip } from "../shared/report-skip.js";

const root = fileURLToPath(findPackageRoot());
const folder = mkdtempSync(join(tmpdir(), "sanitize-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where the compiler has a sanitizer's library; undefined when it has none. */
function findRuntime(library: string): string | undefined {
  const { stdout } = spawnSync("c++", [`-print-file-name=${library}`], { encoding: "utf8" });
  const path = stdout?.trim();
  return path?.startsWith("/") && existsSync(path) ? path : undefined;
}

function build(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}

function expectDone(program: string, args: readonly string[], environment: Record<string, string> = {}): void {
  const env = { ...process.env, ...environment };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: "utf8", timeout: 120_000, env });
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: "", stdout: "done\n" });
}

/** All of the addon but what works with values of JavaScript. */
function sourcesWithoutJavaScript(): string[] {
  const ofJavaScript = /(_binding|addon|async_job|read_filter)\.cc$/;
  const entries = readdirSync(join(root, "native"), { recursive: true, encoding: "utf8" });
  return entries
    .filter((entry) => entry.endsWith(".cc") && !ofJavaScript.test(entry))
    .map((entry) => `native/${entry}`);
}

function skipWithout(library: string) {
  const reason = findRuntime(library) ? cannotTrace : `the compiler has no ${library}`;
  if (reason !== undefined) reportSkip("sanitizers", reason, process.env.CI === "true");
  return test.skipIf(reason !== undefined);
}

for (const [sanitizer, library] of [
  ["thread", "libtsan.so"],
  ["address,undefined", "libasan.so"],
] as const) {
  skipWithout(library)(
    `many threads use all sessions and snapshots: -fsanitize=${sanitizer}`,
    { timeout: 180_000 },
    () => {
      const program = join(folder, `storm-${sanitizer}`);
      const flags = ["-std=c++17", "-O1", "-g", `-fsanitize=${sanitizer}`, "-fno-sanitize-recover=all"];
      // The skeletons and names that the build of the addon has made.
      const includes = ["-Inative", "-Ibuild/bpf", "-Ibuild/names"];
      const sources = ["test/native/sanitize/storm.cc", ...sourcesWithoutJavaScript()];
      build("c++", [...flags, ...includes, "-o", program, ...sources, "-lbpf"]);
      expectDone(program, ["4"]);
    },
  );
}

skipWithout("libasan.so")("the addon in Node.js: -fsanitize=address", { timeout: 180_000 }, () => {
  build("node_modules/.bin/cmake-js", ["compile", "-O", folder, "--CDSANITIZER=address"]);
  const addon = join(folder, "Release/systems_manager_native.node");
  expect(readFileSync(addon).includes("__asan_init"), "the addon is built with the sanitizer").toBe(true);
  expectDone(process.execPath, ["--expose-gc", "test/native/sanitize/storm.cjs", addon, "4"], {
    // What Node.js itself keeps until its end is not looked at.
    ASAN_OPTIONS: "detect_leaks=0",
    LD_PRELOAD: findRuntime("libasan.so") as string,
  });
});
