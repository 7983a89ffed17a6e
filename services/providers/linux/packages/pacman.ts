// pacman: Arch Linux and its descendants.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { mapLimited } from "../../../shared/map-limited.js";
import { readProgram, runProgram } from "../run-program.js";
import {
  emptyPlan,
  type InstalledPackage,
  type PackageAction,
  type PackageManager,
  type PackageManagerTraits,
} from "./package-manager.js";
import {
  parsePacmanDescription,
  parsePacmanReplacements,
  parsePacmanTargets,
  parsePacmanUpgrades,
} from "./pacman-output.js";
import { managerRunner } from "./run-manager.js";

const traits: PackageManagerTraits = {
  name: "pacman",
  program: "pacman",
  lockFiles: ["/var/lib/pacman/db.lck"],
  vitalPackages: ["pacman", "base", "systemd", "glibc", "filesystem", "bash"],
  cache: { directories: ["/var/cache/pacman/pkg"], file: /\.pkg\.tar(\.\w+)?(\.sig)?$/ },
  listFiles: { program: "pacman", args: ["--query", "--list", "--quiet"] },
};

const run = managerRunner(traits, {
  locked: /unable to lock database/,
  unknownPackage: /target not found: (\S+)/,
  protectedPackage: /HoldPkg/,
});

const common = ["--noconfirm", "--color", "never", "--noprogressbar"];
const readsAtOnce = 32;

/** The pacman backend. */
export const pacman: PackageManager = {
  traits,
  async listInstalled(signal) {
    const directory = join((await readProgram("pacman-conf", ["DBPath"], { signal })).trim(), "local");
    const entries = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const texts = await mapLimited(entries, readsAtOnce, ({ name }) => readFile(join(directory, name, "desc"), "utf8"));
    return texts.map(parsePacmanDescription).filter((found) => found !== undefined);
  },
  listUpgrades: (signal) => listUpgrades([], signal),
  async plan(action, signal) {
    const args = await commandOf(action, signal);
    if (args.length === 0) return emptyPlan;
    const printed = ["--print", "--print-format", "%n\t%v"];
    const { stdout, output } = await run("pacman", [...common, ...args, ...printed], { signal });
    return { ...planOf(stdout.text, isRemoval(args), await pacman.listInstalled(signal)), output };
  },
  async apply(action, signal) {
    if (action.kind === "refresh") return (await run("pacman", [...common, "-Sy"], { signal })).output;
    if (action.kind === "clean-cache") return cleanCache(signal);
    return (await run("pacman", [...common, ...(await commandOf(action, signal))], { signal })).output;
  },
  async compareVersions(first, second, signal) {
    return Number(await readProgram("vercmp", [first, second], { signal }));
  },
};

// With --noconfirm the answer would be no: first to all packages, then to the databases of repositories that are gone.
async function cleanCache(signal: AbortSignal) {
  return (await run("pacman", ["--color", "never", "-Scc"], { signal, input: "y\nn\n" })).output;
}

function isRemoval(args: readonly string[]): boolean {
  return args[0]?.startsWith("-R") ?? false;
}

// One name is installed at most once, so a target takes the place of what has its name.
function planOf(text: string, removes: boolean, installed: readonly InstalledPackage[]) {
  const targets = parsePacmanTargets(text);
  const gone = new Set([...targets.map(({ name }) => name), ...parsePacmanReplacements(text)]);
  return {
    removed: installed.filter(({ name }) => gone.has(name)).map(({ name, version }) => ({ name, version, arches: [] })),
    added: removes ? [] : targets.map((target) => ({ ...target, arch: "" })),
  };
}

// Empty when there is nothing to do.
async function commandOf(action: PackageAction, signal: AbortSignal): Promise<string[]> {
  switch (action.kind) {
    case "install":
      return ["-S", "--needed", ...action.packages.map(({ name, version }) => (version ? `${name}=${version}` : name))];
    case "remove":
      return ["-R", "--cascade", ...action.names];
    case "update":
      return action.names.length === 0
        ? ["-Su"]
        : withNames(["-S", "--needed"], await upgradable(action.names, signal));
    case "remove-unused":
      return withNames(["-R", "--recursive"], await queryNames("-Qdtq", signal));
    case "remove-orphaned":
      return withNames(["-R", "--cascade"], await queryNames("-Qmq", signal));
  }
}

function withNames(args: readonly string[], names: readonly string[]): string[] {
  return names.length > 0 ? [...args, ...names] : [];
}

async function upgradable(names: readonly string[], signal: AbortSignal): Promise<string[]> {
  return (await listUpgrades(names, signal)).filter(({ ignored }) => !ignored).map(({ name }) => name);
}

async function listUpgrades(names: readonly string[], signal: AbortSignal) {
  // It exits with 1 when there are none.
  const { stdout } = await run("pacman", ["-Qu", "--color", "never", ...names], { signal, acceptedExitCodes: [0, 1] });
  return parsePacmanUpgrades(stdout.text);
}

async function queryNames(selection: string, signal: AbortSignal): Promise<string[]> {
  const { stdout } = await runProgram("pacman", [selection], { signal, acceptedExitCodes: [0, 1] });
  return stdout.text.split("\n").filter((name) => name !== "");
}
