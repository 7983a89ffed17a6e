// `doctor` as a person runs it: as root, as nobody, and without the addon.
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventKinds } from "../../services/providers/linux/capture/event-layout.js";
import { findPackageRoot } from "../../services/shared/package-root.js";

const root = findPackageRoot().pathname;
const commandPath = join(root, "dist/services/cli/main.js");
const isRoot = process.getuid?.() === 0;
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly requirements: readonly { name: string; isMet: boolean; finding: string; remedy: string }[];
  readonly tracing: {
    readonly kernelRelease: string;
    readonly privileges: readonly string[];
    readonly capabilities: readonly {
      name: string;
      state: string;
      hook: string;
      refused: readonly { reason: string }[];
      remedy: string;
    }[];
  };
}

interface Run {
  readonly before?: readonly string[];
  readonly command?: string;
  readonly args?: readonly string[];
}

async function runDoctor({ before = [], command = commandPath, args = ["--json"] }: Run = {}) {
  const [program = "", ...words] = [...before, process.execPath, command, "doctor", ...args];
  const stateDirectory = args.includes("--state-dir") ? [] : ["--state-dir", join(folder, "state")];
  const { exitCode, stdout, stderr } = await execa(program, [...words, ...stateDirectory], { reject: false, cwd: "/" });
  return { exitCode, stdout, stderr };
}

function missingOf({ requirements }: Report): string[] {
  return requirements.filter(({ isMet }) => !isMet).map(({ name }) => name);
}

// Whatever else the host is, it runs under systemd for the command.
const underSystemd = [
  "unshare",
  "-m",
  "sh",
  "-c",
  'mount -t tmpfs x /run && mkdir -p /run/systemd/system && exec "$@"',
];

describe.skipIf(!isRoot)("as root", () => {
  test("all kinds of events are told with their hook, and nothing is written on standard error or to the disk", async () => {
    const { stdout, stderr } = await runDoctor();
    const { requirements, tracing }: Report = JSON.parse(stdout);
    expect(stderr).toBe("");
    expect(requirements.map(({ name }) => name)).toEqual([
      "systemd",
      "package manager",
      "native addon",
      "state directory",
    ]);
    expect(requirements.find(({ name }) => name === "state directory")).toEqual({
      name: "state directory",
      isMet: true,
      finding: `${folder}/state/daemon, which can be made in ${folder}`,
      remedy: "",
    });
    expect(tracing.kernelRelease).toBe(release());
    expect(tracing.privileges).toContain("CAP_BPF");
    const names = tracing.capabilities.map(({ name }) => name);
    for (const kind of Object.keys(eventKinds)) expect(names).toContain(kind);
    for (const { state, hook } of tracing.capabilities.filter(({ name }) => name in eventKinds)) {
      expect(state).toMatch(/^CAPABILITY_STATE_(FULL|WEAKER)$/);
      expect(hook).not.toBe("");
    }
    expect(await execa("ls", ["-A", folder])).toMatchObject({ stdout: "" });
  });

  test("the exit code is 0 where nothing is missing, and 1 where systemd is", async () => {
    const whole = await runDoctor({ before: [...underSystemd, "sh"] });
    expect(missingOf(JSON.parse(whole.stdout))).toEqual([]);
    expect(whole.exitCode).toBe(0);
    const without = await runDoctor({
      before: ["unshare", "-m", "sh", "-c", 'mount -t tmpfs x /run && exec "$@"', "sh"],
    });
    expect(missingOf(JSON.parse(without.stdout))).toEqual(["systemd"]);
    expect(without.exitCode).toBe(1);
  });

  test("for people it is a table, and what is missing has a remedy", async () => {
    const file = join(root, "package.json");
    const { stdout, exitCode } = await runDoctor({ args: ["--state-dir", file] });
    expect(stdout).toMatch(/^systems-manager \S+: missing for a daemon: .*state directory\n/);
    expect(stdout).toMatch(/^ {2}MISSING {2}state directory {2}nothing can be written to .*package\.json: ENOTDIR$/m);
    expect(stdout).toMatch(/^to do for state directory: .*--state-dir$/m);
    expect(stdout).toMatch(/^ {2}exec +full +tp_btf\/sched_process_exec$/m);
    expect(exitCode).toBe(1);
  });

  test("as nobody, events that the kernel does not give say why and what to do; that alone is no failure", async () => {
    const { stdout, stderr, exitCode } = await runDoctor({
      before: [...underSystemd, "sh", ...nobody],
      args: ["--json", "--state-dir", join(tmpdir(), "no-such-directory")],
    });
    const report: Report = JSON.parse(stdout);
    expect(stderr).toBe("");
    expect(missingOf(report)).toEqual([]);
    expect(report.tracing.privileges).toEqual([]);
    const exec = report.tracing.capabilities.find(({ name }) => name === "exec");
    expect(exec).toMatchObject({ state: "CAPABILITY_STATE_FALLBACK", hook: "strace" });
    expect(exec?.refused[0]?.reason).toMatch(/Operation not permitted$/);
    expect(report.tracing.capabilities.find(({ name }) => name === "oomKill")).toMatchObject({
      state: "CAPABILITY_STATE_UNAVAILABLE",
      remedy: expect.stringContaining("CAP_BPF"),
    });
    expect(exitCode).toBe(0);
  });

  test("as nobody, a state directory of root is missing", async () => {
    const { stdout, exitCode } = await runDoctor({ before: nobody, args: ["--json", "--state-dir", "/root/state"] });
    const report: Report = JSON.parse(stdout);
    expect(missingOf(report)).toContain("state directory");
    expect(exitCode).toBe(1);
  });
});

test("without the addon it is missing, nothing can be traced, and both say how to build it", async () => {
  const copy = join(folder, "package");
  cpSync(join(root, "dist"), join(copy, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const { stdout, exitCode } = await runDoctor({ command: join(copy, "dist/services/cli/main.js") });
  const report: Report = JSON.parse(stdout);
  expect(missingOf(report)).toContain("native addon");
  expect(report.requirements.find(({ name }) => name === "native addon")?.remedy).toContain("cmake-js compile");
  for (const { state, remedy } of report.tracing.capabilities.filter(({ name }) =>
    ["oomKill", "profile"].includes(name),
  ))
    expect({ state, remedy }).toEqual({
      state: "CAPABILITY_STATE_UNAVAILABLE",
      remedy: expect.stringContaining("node .ci/setup.mjs"),
    });
  expect(exitCode).toBe(1);
});
