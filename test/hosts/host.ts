// One real host: a systemd in namespaces of its own, with a disk that survives a power failure until the fleet closes.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type Options } from "execa";

export type Distro = "debian" | "fedora" | "opensuse" | "arch";

export interface HostSpec {
  name: string;
  distro: Distro;
  /** "native" (the default) shows the host the cgroup hierarchies of this machine; "unified" shows cgroup2 alone. */
  cgroups?: "native" | "unified";
}

export interface ExecOptions {
  input?: string | Uint8Array;
  /** Milliseconds, 60,000 by default; when they have passed the command is killed and exec throws. */
  timeout?: number;
  environment?: Record<string, string>;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

const defaultEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  HOME: "/root",
};

// Puts itself into the host's own cgroups (nsenter leaves those alone) and becomes the command.
const enterCgroups = `for procs in /sys/fs/cgroup/init.scope/cgroup.procs /sys/fs/cgroup/*/init.scope/cgroup.procs; do
  [ ! -e "$procs" ] || { echo 0 > "$procs"; } 2> /dev/null; done; exec "$@"`;

/** What a host asks of the fleet that it belongs to. */
export type PowerOn = (host: Host) => void;

export class Host {
  readonly name: string;
  readonly distro: Distro;
  readonly #directory: string;
  readonly #powerOn: PowerOn;

  constructor(
    spec: HostSpec,
    readonly address: string,
    directory: string,
    powerOn: PowerOn,
  ) {
    this.name = spec.name;
    this.distro = spec.distro;
    this.#directory = directory;
    this.#powerOn = powerOn;
  }

  /** The pid, on this machine, of the host's systemd; undefined while the host is off. */
  get leader(): number | undefined {
    const text = this.#read("leader");
    return text ? Number(text) : undefined;
  }

  /** Starts a command as root in the host and returns it running, with its streams. argv goes to no shell. */
  spawn<T extends Options>(argv: string[], options: T & { environment?: Record<string, string> } = {} as T) {
    const { leader } = this;
    if (leader === undefined) throw new Error(`host ${this.name} is off: cannot run ${argv.join(" ")}`);
    const { environment, ...rest } = options;
    const enter = ["--target", `${leader}`, "--all", "--root", "--wd", "--", "/bin/sh", "-c", enterCgroups, "sh"];
    // The command must not outlive nsenter, which is what a timeout or a kill reaches.
    const command = ["setpriv", "--pdeathsig", "KILL", "--", ...argv];
    return execa("nsenter", [...enter, ...command], {
      ...(rest as unknown as T),
      env: { ...defaultEnvironment, ...environment },
      extendEnv: false,
    });
  }

  /** Runs a command and returns its output and exit code, whatever the code is. Throws if it could not run or end. */
  async exec(argv: string[], { input, timeout = 60_000, environment = {} }: ExecOptions = {}): Promise<ExecResult> {
    const stdin = input === undefined ? { stdin: "ignore" as const } : { input };
    const result = await this.spawn(argv, { ...stdin, timeout, environment, reject: false });
    const { stdout, stderr, exitCode } = result;
    if (exitCode === undefined) throw new Error(`${this.name}: ${result.shortMessage}\n${stderr}`);
    return { stdout: `${stdout}`, stderr: `${stderr}`, exitCode };
  }

  /** Runs a command that must succeed and returns its standard output. */
  async run(argv: string[], options: ExecOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await this.exec(argv, options);
    if (exitCode === 0) return stdout;
    throw new Error(`${this.name}: ${argv.join(" ")} ended with exit code ${exitCode}\n${stdout}\n${stderr}`);
  }

  /** Starts a long-running process as a transient service, as a daemon would run, and waits until it was executed. */
  async startUnit(name: string, argv: string[], environment: Record<string, string> = {}): Promise<void> {
    const setenv = Object.entries(environment).map(([key, value]) => `--setenv=${key}=${value}`);
    await this.run([
      "systemd-run",
      "--quiet",
      "--collect",
      "--service-type=exec",
      `--unit=${name}`,
      ...setenv,
      "--",
      ...argv,
    ]);
  }

  /** Kills a process by pid (as seen in the host), or all processes of a unit, with SIGKILL. */
  async kill9(target: number | string): Promise<void> {
    const command =
      typeof target === "number" ? ["kill", "-9", `${target}`] : ["systemctl", "kill", "-s", "KILL", target];
    await this.run(command);
  }

  async writeFile(path: string, text: string | Uint8Array): Promise<void> {
    await this.run(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1"', "sh", path], { input: text });
  }

  async readFile(path: string): Promise<string> {
    const { stdout, exitCode, stderr } = await this.spawn(["cat", "--", path], {
      reject: false,
      timeout: 60_000,
      stripFinalNewline: false,
    });
    if (exitCode !== 0) throw new Error(`${this.name}: cannot read ${path}: ${stderr}`);
    return stdout;
  }

  /** Makes the host's package repository offer what was out at that time. The package manager learns it by a refresh. */
  async publish(version: "1.0" | "2.0"): Promise<void> {
    await this.run(["ln", "-sfn", `/srv/repo/${version}`, "/srv/current"]);
  }

  /** The power fails: every process is gone at once, and the disk stays as it was. */
  async kill(): Promise<void> {
    const { leader } = this;
    if (leader !== undefined) process.kill(leader, "SIGKILL");
    await this.#until("off", 10_000, () => this.#ended());
  }

  /** Shuts the host down in order. */
  async powerOff(): Promise<void> {
    await this.#systemctl("poweroff");
    await this.#until("off", 30_000, () => this.#ended());
  }

  /** Boots a host that is off from the same disk, and waits until it is ready. */
  async powerOn(): Promise<void> {
    rmSync(join(this.#directory, "ended"), { force: true });
    this.#powerOn(this);
    await this.ready();
  }

  /** Restarts the host in order, and waits until it is ready. */
  async reboot(): Promise<void> {
    const { leader } = this;
    await this.#systemctl("reboot");
    await this.#until("restarted", 30_000, () => this.leader !== undefined && this.leader !== leader);
    await this.ready();
  }

  /** Waits until systemd has finished booting, whether or not a unit failed. */
  async ready(): Promise<void> {
    await this.#until("ready", 60_000, async () => {
      if (this.#ended()) throw new Error(`host ${this.name} died at boot:\n${this.#read("console.log")}`);
      if (this.leader === undefined) return false;
      const { stdout } = await this.exec(["systemctl", "is-system-running", "--wait"]);
      return stdout === "running" || stdout === "degraded";
    });
  }

  // The host may go before it has answered, so the answer is nothing to rely on.
  async #systemctl(verb: "poweroff" | "reboot"): Promise<void> {
    await this.spawn(["systemctl", verb], { reject: false, timeout: 10_000 });
  }

  #ended(): boolean {
    return existsSync(join(this.#directory, "ended"));
  }

  #read(file: string): string {
    try {
      return readFileSync(join(this.#directory, file), "utf8").trim();
    } catch {
      return "";
    }
  }

  async #until(state: string, timeout: number, reached: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + timeout;
    while (!(await reached())) {
      if (Date.now() > deadline) throw new Error(`host ${this.name} is not ${state} after ${timeout} ms`);
      await sleep(20);
    }
  }
}
