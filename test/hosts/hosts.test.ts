// The harness itself, on one fleet with every distro.

import { mkdtemp, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, type HostFleet, projectBinds, requireHosts, startHosts } from "./hosts.js";

const skipped = await requireHosts();

describe.skipIf(skipped)("a fleet of five hosts", () => {
  let fleet: HostFleet;
  let shared: string;

  beforeAll(async () => {
    shared = await mkdtemp(join(tmpdir(), "hosts-"));
    await writeFile(join(shared, "note"), "from outside");
    fleet = await startHosts(
      [
        { name: "deb-a", distro: "debian" },
        { name: "deb-b", distro: "debian", cgroups: "unified" },
        { name: "rpm-a", distro: "fedora" },
        { name: "suse-a", distro: "opensuse" },
        { name: "arch-a", distro: "arch" },
      ],
      { binds: [{ source: shared, target: "/opt/shared" }, ...projectBinds()] },
    );
  });

  afterAll(async () => {
    await fleet?.close();
    await rm(shared, { recursive: true, force: true });
  });

  const onEach = <T>(action: (host: Host) => Promise<T>) => Promise.all(fleet.hosts.map(action));

  test("every systemd is running, without a failed unit", async () => {
    expect(await onEach((host) => host.run(["systemctl", "is-system-running"]))).toEqual(Array(5).fill("running"));
    expect(await onEach((host) => host.run(["ps", "-o", "comm=", "1"]))).toEqual(Array(5).fill("systemd"));
  });

  test("every host is named as asked", async () => {
    const names = fleet.hosts.map((host) => host.name);
    expect(await onEach((host) => host.run(["uname", "-n"]))).toEqual(names);
    expect(await onEach(async (host) => (await host.readFile("/etc/hostname")).trim())).toEqual(names);
  });

  test.each(["/etc/machine-id", "/proc/sys/kernel/random/boot_id"])("every host has its own %s", async (path) => {
    const ids = await onEach((host) => host.run(["cat", path]));
    expect(new Set(ids.concat(await readFile(path, "utf8").catch(() => ""))).size).toBe(6);
  });

  test.each(["net", "pid", "mnt", "uts", "ipc", "cgroup"])("every host has its own %s namespace", async (kind) => {
    const inside = await onEach((host) => host.run(["readlink", `/proc/1/ns/${kind}`]));
    expect(new Set([...inside, await readlink(`/proc/self/ns/${kind}`)]).size).toBe(6);
  });

  test("every host says which distro it is", async () => {
    const read = (host: Host) => host.run(["sh", "-c", '. /etc/os-release; echo "$ID|$ID_LIKE"']);
    expect(await onEach(read)).toEqual(["debian|", "debian|", "fedora|", "opensuse-leap|suse opensuse", "arch|"]);
  });

  test("a host with the unified view has cgroup2 alone", async () => {
    expect(await fleet.host("deb-b").run(["stat", "-fc", "%T", "/sys/fs/cgroup"])).toBe("cgroup2fs");
  });

  test("hosts reach this machine and each other, by address and by name", async () => {
    const server = createServer((_, response) => response.end("outer"));
    await new Promise<void>((resolve) => server.listen(0, fleet.outerAddress, resolve));
    const { port } = server.address() as { port: number };
    const serve = "http.createServer((_, r) => r.end(os.hostname())).listen(7070)";
    await onEach((host) => host.startUnit("hello", ["/usr/bin/node", "-e", serve]));
    await onEach((host) => host.run(["sh", "-c", "until ss -Hltn | grep -q :7070; do sleep 0.05; done"]));

    const targets = fleet.hosts.flatMap((host) => [`${host.address}:7070`, `${host.name}:7070`]);
    const ask = `Promise.all(process.argv.slice(1).map(async (to) => (await fetch("http://" + to)).text()))
      .then((answers) => console.log(answers.join()))`;
    const answers = await onEach((host) => host.run(["node", "-e", ask, `${fleet.outerAddress}:${port}`, ...targets]));
    server.close();
    const all = ["outer", ...fleet.hosts.flatMap((host) => [host.name, host.name])].join();
    expect(answers).toEqual(Array(5).fill(all));
  });

  test("a host has no way out of its network", async () => {
    const { exitCode, stderr } = await fleet.host("deb-a").exec(["ip", "route", "get", "192.0.2.1"]);
    expect(exitCode, stderr).toBe(2);
  });

  test("a host cannot change the kernel settings of this machine", async () => {
    const setting = "/proc/sys/kernel/pid_max";
    const before = await readFile(setting, "utf8");
    const { exitCode, stderr } = await fleet.host("deb-a").exec(["sh", "-c", `echo 4000 > ${setting}`]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("Read-only file system"),
    });
    expect(await readFile(setting, "utf8")).toBe(before);
  });

  test("hosts see what was bound, and cannot write to it", async () => {
    expect(await onEach((host) => host.readFile("/opt/shared/note"))).toEqual(Array(5).fill("from outside"));
    const { stderr } = await fleet.host("deb-a").exec(["touch", "/opt/shared/note"]);
    expect(stderr).toContain("Read-only file system");
  });

  test("every host can run the project with Node.js", async () => {
    const program = `import("/opt/systems-manager/node_modules/execa/index.js")
      .then(({ execa }) => execa("cat", ["/opt/systems-manager/package.json"]))
      .then(({ stdout }) => console.log(JSON.parse(stdout).name))`;
    expect(await onEach((host) => host.run(["node", "-e", program]))).toEqual(Array(5).fill("systems-manager"));
  });

  test("exec passes arguments, input and environment untouched and returns both outputs and the exit code", async () => {
    const script = 'printf "%s|%s|%s" "$1" "$GREETING" "$(cat)"; echo wrong >&2; exit 7';
    const argv = ["sh", "-c", script, "sh", "a b; $HOME *"];
    const result = await fleet.host("rpm-a").exec(argv, { input: "typed", environment: { GREETING: "hello" } });
    expect(result).toEqual({ stdout: "a b; $HOME *|hello|typed", stderr: "wrong", exitCode: 7 });
  });

  test("exec runs in the host's own cgroups", async () => {
    expect(await fleet.host("deb-b").run(["sh", "-c", "grep ^0:: /proc/self/cgroup"])).toBe("0::/init.scope");
  });

  test("exec kills a command that takes too long, and throws", async () => {
    const host = fleet.host("deb-a");
    await expect(host.exec(["sleep", "98.7"], { timeout: 200 })).rejects.toThrow("timed out after 200 milliseconds");
    expect((await host.exec(["pgrep", "-f", "^sleep 98.7"])).exitCode).toBe(1);
  });

  test("run throws with the output of a command that failed", async () => {
    const failing = fleet.host("deb-a").run(["sh", "-c", "echo reason >&2; exit 3"]);
    await expect(failing).rejects.toThrow(/deb-a: .* exit code 3\s+reason/);
  });

  test("files come back as they were written", async () => {
    const text = "first\n\n  last ü, no newline";
    await fleet.host("suse-a").writeFile("/etc/new/place/file.conf", text);
    expect(await fleet.host("suse-a").readFile("/etc/new/place/file.conf")).toBe(text);
  });

  test("every host has its own journal", async () => {
    await onEach((host) => host.startUnit("talk", ["sh", "-c", `echo "I am ${host.name}"; sleep 60`]));
    const said = (host: Host) => host.run(["journalctl", "--unit=talk", "--output=cat", "--grep=^I am", "--no-pager"]);
    await onEach((host) => host.run(["journalctl", "--sync"]));
    expect(await onEach(said)).toEqual(fleet.hosts.map((host) => `I am ${host.name}`));
  });

  test.each(["a pid", "a unit"])("kill9 kills %s in the host", async (kind) => {
    const host = fleet.host("arch-a");
    await host.startUnit("victim", ["sleep", "60"]);
    const pid = Number(await host.run(["systemctl", "show", "victim", "--property=MainPID", "--value"]));
    await host.kill9(kind === "a pid" ? pid : "victim.service");
    await host.run(["sh", "-c", "while systemctl is-active --quiet victim; do sleep 0.02; done"]);
    const ends = ["journalctl", "--unit=victim", "--grep=code=killed, status=9/KILL", "--output=cat", "--no-pager"];
    expect((await host.run(ends)).split("\n")).toHaveLength(kind === "a pid" ? 1 : 2);
  });

  test.each(["Upper", "a b", "-a", "a/b"])("refuses %j as the name of a host", async (name) => {
    await expect(startHosts([{ name, distro: "debian" }])).rejects.toThrow(
      `not a host name, or there twice: "${name}"`,
    );
  });

  test("names the hosts there are when asked for another", () => {
    expect(() => fleet.host("deb-z")).toThrow("no host deb-z in this fleet of deb-a, deb-b, rpm-a, suse-a, arch-a");
  });
});

test.skipIf(skipped)("two fleets do not meet", async () => {
  const one = await startHosts([{ name: "deb-a", distro: "debian" }]);
  const other = await startHosts([{ name: "deb-a", distro: "debian" }]);
  try {
    expect(other.outerAddress).not.toBe(one.outerAddress);
    const knock = `require("net").connect(22, "${one.host("deb-a").address}").on("error", (e) => console.log(e.code))`;
    expect(await other.host("deb-a").run(["node", "-e", knock])).toBe("ENETUNREACH");
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});
