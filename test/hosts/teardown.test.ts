// Nothing of a fleet may be left, however it ended.
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { execa } from "execa";
import { describe, expect, test, vi } from "vitest";
import { requireHosts, startHosts } from "./hosts.js";
import { script } from "./require-hosts.js";

const skipped = await requireHosts();

describe.skipIf(skipped)("what a fleet leaves", () => {
  test("nothing after close", async () => {
    const fleet = await startHosts([
      { name: "gone-a", distro: "debian" },
      { name: "gone-b", distro: "fedora" },
    ]);
    const processes = fleet.hosts.flatMap((host) => processesOf(host.leader));
    expect(traces("gone-", processes).length).toBeGreaterThan(processes.length);
    await fleet.close();
    expect(traces("gone-", processes)).toEqual([]);
  });

  test("nothing after the test process was killed", async () => {
    const { holder, processes } = await holdFleet("orphan-a");
    process.kill(holder, "SIGKILL");
    await vi.waitFor(() => expect(traces("orphan-a", processes)).toEqual([]), { timeout: 10_000, interval: 50 });
  });

  test("no process after the supervisor was killed, and nothing at all after the next clean", async () => {
    const { supervisor, processes } = await holdFleet("orphan-b");
    process.kill(supervisor, "SIGKILL");
    await vi.waitFor(() => expect(processes.filter(isAlive)).toEqual([]), { timeout: 10_000, interval: 50 });
    const { file, args } = script("clean.sh");
    await execa(file, args);
    expect(traces("orphan-b", processes)).toEqual([]);
  });
});

// A process of its own that runs a fleet of one host, so that it can be killed.
async function holdFleet(name: string): Promise<{ holder: number; supervisor: number; processes: string[] }> {
  const { args } = script("run.sh", "1");
  const program = `
    const { spawn } = require("node:child_process");
    const run = spawn("bash", ${JSON.stringify(args)}, { detached: true, stdio: ["pipe", "pipe", "inherit"] });
    run.stdout.once("data", (line) => {
      const [directory, subnet] = String(line).split(" ");
      fs.writeFileSync(directory + "/hosts", subnet + ".11 ${name}\\n");
      fs.writeFileSync(directory + "/binds", "");
      run.stdin.write("boot ${name} 0 debian native\\n");
      const leader = directory + "/${name}/leader";
      const wait = setInterval(() => {
        if (!fs.existsSync(leader)) return;
        clearInterval(wait);
        console.log(run.pid, fs.readFileSync(leader, "utf8"));
      }, 20);
    });`;
  const holder = execa("node", ["-e", program], { reject: false });
  const [line] = await once(holder.stdout, "data");
  const [supervisor = 0, leader = 0] = `${line}`.split(" ").map(Number);
  return { holder: holder.pid ?? 0, supervisor, processes: processesOf(leader) };
}

/** What can be found of hosts by their name. The number of their slot says nothing: another fleet takes it again. */
function traces(name: string, processes: string[]): string[] {
  const cgroups = ["", ...readdirSync("/sys/fs/cgroup")].flatMap((hierarchy) => entries(`/sys/fs/cgroup/${hierarchy}`));
  const directories = entries("/dev/shm/systems-manager-hosts").flatMap(entries);
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const named = [...cgroups, ...directories, ...mounts].filter((entry) => entry.includes(name));
  return [...named, ...processes.filter(isAlive)];
}

/** "PID START-TIME" of every process in the pid namespace of a host. */
function processesOf(leader: number | undefined): string[] {
  const namespace = (pid: string) => attempt(() => readlinkSync(`/proc/${pid}/ns/pid`));
  const wanted = namespace(`${leader}`);
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && namespace(entry) === wanted);
  return pids.map((pid) => `${pid} ${stat(pid).startTime}`);
}

// A zombie is gone: it only waits for the init of this machine to notice.
function isAlive(process: string): boolean {
  const [pid = "", start] = process.split(" ");
  const { state, startTime } = stat(pid);
  return startTime === start && state !== "Z";
}

function stat(pid: string): { state: string | undefined; startTime: string | undefined } {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8")) ?? "";
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0], startTime: fields[19] };
}

function entries(directory: string): string[] {
  return attempt(() => readdirSync(directory).map((entry) => `${directory}/${entry}`)) ?? [];
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
