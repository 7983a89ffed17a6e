// `npm run check`: format, lint, import directions, types, protos, generated code. Prints every failing step.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

process.chdir(new URL("..", import.meta.url).pathname);
const generated = mkdtempSync(join(tmpdir(), "systems-manager-gen-"));
const bin = (name) => `node_modules/.bin/${name}`;

const steps = [
  ["TypeScript format, lint and import directions", [bin("biome"), "ci", "--error-on-warnings", "."]],
  ["types", [bin("tsc"), "-p", "."]],
  ["C++ format", [bin("clang-format"), "--dry-run", "-Werror", ...nativeSources("native")]],
  ["proto format", [bin("buf"), "format", "--diff", "--exit-code"]],
  ["proto lint", [bin("buf"), "lint"]],
  ["proto compatibility", [bin("buf"), "breaking", "--against", ".ci/proto-baseline.binpb"]],
  ["generate", [bin("buf"), "generate", "--output", generated]],
  ["generated code is up to date", ["diff", "-r", "services/gen", join(generated, "services/gen")]],
];
const failed = steps.filter(([name, command]) => !passes(name, command)).map(([name]) => name);
rmSync(generated, { recursive: true });
console.log(failed.length === 0 ? `check: ${steps.length} steps passed` : `check: failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function passes(name, [program, ...args]) {
  const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (result.status === 0) return true;
  process.stdout.write(`--- ${name}\n${result.stdout ?? ""}${result.stderr ?? result.error?.message ?? ""}\n`);
  return false;
}

function nativeSources(folder) {
  const entries = readdirSync(folder, { recursive: true }).map((entry) => join(folder, entry));
  return entries.filter((entry) => /\.(cc|hh|h|c)$/.test(entry));
}
