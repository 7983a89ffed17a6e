// Fleets of real systemd hosts for the suites:
//   const fleet = await startHosts([{ name: "deb-a", distro: "debian" }, { name: "rpm-a", distro: "fedora" }]);
//   await fleet.host("deb-a").run(["systemctl", "is-system-running"]);
//   await fleet.close();
// README.md here says what a host is, and holds the facts about package managers that were found on them.
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Host, type HostSpec } from "./host.js";
import { requireHosts, script } from "./require-hosts.js";

export { type Distro, type ExecOptions, type ExecResult, Host, type HostSpec } from "./host.js";
export { requireHosts } from "./require-hosts.js";

/** A file or directory of this machine that the hosts see, read-only, at `target`. */
export interface Bind {
  source: string;
  target: string;
}

export interface FleetOptions {
  /** What the hosts see of this machine beside Node.js itself, which is always at /usr/bin/node. */
  binds?: Bind[];
}

export class HostFleet implements AsyncDisposable {
  readonly #supervisor: Supervisor;

  constructor(
    supervisor: Supervisor,
    /** In the order of the specs. */
    readonly hosts: readonly Host[],
    /** Where the hosts reach this machine. A server must listen there or on 0.0.0.0, not on 127.0.0.1. */
    readonly outerAddress: string,
  ) {
    this.#supervisor = supervisor;
  }

  host(name: string): Host {
    const found = this.hosts.find((host) => host.name === name);
    if (!found) throw new Error(`no host ${name} in this fleet of ${this.hosts.map((host) => host.name).join(", ")}`);
    return found;
  }

  /** Kills every host and removes all that they used. */
  async close(): Promise<void> {
    this.#supervisor.stdin.end();
    await this.#supervisor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Boots the hosts together and returns when all of them are ready. Waits for room if other fleets run. */
export async function startHosts(specs: HostSpec[], { binds = [] }: FleetOptions = {}): Promise<HostFleet> {
  const reason = await requireHosts();
  if (reason !== undefined) throw new Error(`cannot start hosts: ${reason}`);
  checkSpecs(specs);
  const supervisor = startSupervisor(specs.length);
  try {
    const { directory, subnet, base } = await claimedSlot(supervisor);
    const hosts = specs.map((spec, index) => {
      const powerOn = () =>
        supervisor.stdin.write(`boot ${spec.name} ${index} ${spec.distro} ${spec.cgroups ?? "native"}\n`);
      return new Host(spec, `${subnet}.${index + 11}`, join(directory, spec.name), powerOn);
    });
    await writeFile(join(directory, "hosts"), lines(hosts.map((host) => `${host.address} ${host.name}`)));
    await writeFile(
      join(directory, "binds"),
      lines([...(await nodeBinds(base)), ...binds].map(({ source, target }) => `${source}\t${target}`)),
    );
    await Promise.all(hosts.map((host) => host.powerOn()));
    return new HostFleet(supervisor, hosts, `${subnet}.1`);
  } catch (error) {
    supervisor.stdin.end();
    await supervisor;
    throw error;
  }
}

/**
 * The project as it is installed on a host, at /opt/systems-manager: `/usr/bin/node
 * /opt/systems-manager/dist/services/cli/main.js`. Build it first.
 */
export function projectBinds(): Bind[] {
  const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const shared = ["package.json", "dist", "node_modules", "build"];
  const present = readdirSync(project).filter((name) => shared.includes(name));
  return present.map((name) => ({ source: join(project, name), target: join("/opt/systems-manager", name) }));
}

function checkSpecs(specs: HostSpec[]): void {
  const names = specs.map((spec) => spec.name);
  const wrong = names.find((name, index) => !/^[a-z][a-z0-9-]{0,30}$/.test(name) || names.indexOf(name) !== index);
  if (wrong !== undefined) throw new Error(`not a host name, or there twice: "${wrong}" (use a-z, 0-9 and -)`);
}

type Supervisor = ReturnType<typeof startSupervisor>;

// The script holds the fleet while its input is open. In a session of its own it outlives an interrupt of the test
// process, and ends when that has closed the input by ending.
function startSupervisor(count: number) {
  const { file, args } = script("run.sh", `${count}`);
  return execa(file, args, { stdin: "pipe", detached: true, cleanup: false, reject: false });
}

async function claimedSlot(supervisor: Supervisor): Promise<{ directory: string; subnet: string; base: string }> {
  const announced = once(supervisor.stdout, "data").then(([chunk]) => `${chunk}`.trim().split(" "));
  const [directory, subnet, base] = await Promise.race([announced, supervisor.then(() => [])]);
  if (directory && subnet && base) return { directory, subnet, base };
  throw new Error(`cannot start hosts: ${(await supervisor).stderr}`);
}

// This process's own Node.js, with those of its shared libraries that the hosts' Debian does not have.
async function nodeBinds(base: string): Promise<Bind[]> {
  const { stdout } = await execa("ldd", [process.execPath], { reject: false });
  const libraries = [...stdout.matchAll(/=> (\/\S+)/g)].map((match) => match[1] ?? "");
  const missing = libraries.filter((path) => !existsSync(join(base, path)));
  return [
    { source: process.execPath, target: "/usr/bin/node" },
    ...missing.map((path) => ({ source: path, target: path })),
  ];
}

function lines(items: string[]): string {
  return items.map((item) => `${item}\n`).join("");
}
