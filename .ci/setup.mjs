// Makes a fresh machine ready: system packages (as root; otherwise prints the one line to run), npm ci, native and
// TypeScript build. Idempotent; each step is skipped when its inputs have not changed.
//   node .ci/setup.mjs          to run the product
//   node .ci/setup.mjs --test   and to run its tests
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

// Debian package → a program that it brings, or another file of it.
const buildPackages = { cmake: "cmake", "g++": "g++", make: "make" };
// Without these the addon is built all the same, and captures no events of the kernel.
const capturePackages = { clang: "clang", bpftool: "bpftool", "libbpf-dev": "/usr/include/bpf/libbpf.h" };
// Without it a kernel that gives no events has nothing to fall back to.
const fallbackPackages = { strace: "strace" };
const testPackages = {
  debootstrap: "debootstrap",
  zstd: "zstd",
  iproute2: "ip",
  procps: "ps",
  "util-linux": "unshare",
  "default-jdk-headless": "java",
  maven: "mvn",
};

process.chdir(new URL("..", import.meta.url).pathname);
const wanted = { ...buildPackages, ...(process.argv.includes("--test") ? testPackages : {}) };
installSystemPackages(missingPackages(wanted));
installSystemPackages(missingPackages(capturePackages), "the addon will not capture kernel events");
installSystemPackages(missingPackages(fallbackPackages), "kernels that give no events will not be traced");
step("npm packages", ["package-lock.json"], "node_modules", ["npm", "ci", "--no-audit", "--no-fund"]);
// The Node.js that a test tool needs must not become the one that npm scripts run.
rmSync("node_modules/.bin/node", { force: true });
step("native addon", ["CMakeLists.txt", "native"], "build/Release", ["node_modules/.bin/cmake-js", "compile"]);
step("TypeScript", ["services", "bench", "test/kafka", "tsconfig.json", "tsconfig.build.json"], "dist", [
  "node_modules/.bin/tsc",
  "-p",
  "tsconfig.build.json",
]);

if (process.argv.includes("--test")) {
  run("Apache Kafka for the tests", [process.execPath, "test/kafka/prepare.mjs"]);
}

function missingPackages(packages) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const installed = (file) => [...folders, ""].some((folder) => existsSync(join(folder, file)));
  return Object.keys(packages).filter((name) => !installed(packages[name]));
}

// Packages without which something can still be built say what will be missing then.
function installSystemPackages(missing, otherwise) {
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    const consequence = otherwise === undefined ? "" : `, or ${otherwise}`;
    console.error(`setup: run this line and try again${consequence}:\n  sudo ${install.join(" ")}`);
    if (otherwise === undefined) process.exit(1);
    return;
  }
  run("package lists", ["apt-get", "update", "-qq"]);
  run(`system packages ${missing.join(" ")}`, ["apt-get", "-qq", ...install.slice(1)], {
    DEBIAN_FRONTEND: "noninteractive",
  });
}

// Runs a command unless its output exists and its inputs are what they were when it last succeeded.
function step(name, inputs, output, command) {
  const stamp = join(output, ".setup-stamp");
  const digest = createHash("sha256").update(process.version).update(command.join(" "));
  for (const input of inputs) hashInto(digest, input);
  const key = digest.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
  run(name, command);
  mkdirSync(output, { recursive: true });
  writeFileSync(stamp, key);
}

function hashInto(digest, path) {
  if (!statSync(path).isDirectory()) return digest.update(path).update(readFileSync(path));
  for (const entry of readdirSync(path).sort()) hashInto(digest, join(path, entry));
  return digest;
}

function run(name, [program, ...args], extraEnvironment = {}) {
  const started = Date.now();
  const result = spawnSync(program, args, {
    env: { ...process.env, ...extraEnvironment },
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
    console.error(
      `setup: ${name} failed: ${program} ${args.join(" ")} ${result.error?.message ?? `exit ${result.status}`}`,
    );
    process.exit(1);
  }
  console.error(`setup: ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
