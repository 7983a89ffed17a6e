// What only whole hosts show: the facts of each distribution, and sockets and processes of a network and pid namespace of their own.
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireHosts } from "../../hosts/hosts.js";
import { type ProviderHosts, startProviderHosts } from "./provider-hosts.js";

const skipped = await requireHosts();
const distros = [
  { distro: "debian", manager: "apt" },
  { distro: "fedora", manager: "dnf" },
  { distro: "opensuse", manager: "zypper" },
  { distro: "arch", manager: "pacman" },
] as const;

// A listener on 443 that a shell started, as a service would.
const holder = `require("node:net").createServer().listen(443)`;
const printFacts = `
  import { createLinuxProvider } from "/opt/provider-test/dist/services/providers/linux/linux-provider.js";
  import { createLogger } from "/opt/provider-test/dist/services/shared/log.js";
  const facts = await (await createLinuxProvider({ log: createLogger("test") })).facts();
  console.log(JSON.stringify({ ...facts, memoryBytes: String(facts.memoryBytes) }));
`;

describe.skipIf(skipped)("the provider on real hosts", () => {
  let hosts: ProviderHosts;
  const hostIds: string[] = [];
  beforeAll(async () => {
    hosts = await startProviderHosts(distros.map(({ distro }) => ({ name: `facts-${distro}`, distro })));
  });
  afterAll(() => hosts?.close());

  it.each(distros)("tells the facts of $distro: systemd, $manager, an id of its own", async ({ distro, manager }) => {
    const host = hosts.fleet.host(`facts-${distro}`);
    const facts = async () =>
      JSON.parse((await host.run(["/usr/bin/node", "--input-type=module", "-e", printFacts])).trim());
    const told = await facts();
    expect(told.capabilities).toEqual([manager, "systemd"].sort());
    expect((await facts()).hostId).toBe(told.hostId);
    expect(hostIds).not.toContain(told.hostId);
    hostIds.push(told.hostId);
    const { os } = await hosts.response(host, "getSystemSnapshot");
    expect(os).toMatchObject({ distroId: told.distro, distroVersion: told.distroVersion, hostname: host.name });
  });

  it("tells who holds 443 on the one host that does, with arguments and parent, and nobody's on the others", async () => {
    const host = hosts.fleet.host("facts-debian");
    const command = ["sh", "-c", '/usr/bin/node -e "$0"; true', holder];
    await host.run(["systemd-run", "--unit=holder", "--service-type=exec", ...command]);
    await host.run(["sh", "-c", 'until grep -q ":01BB 0" /proc/net/tcp6; do sleep 0.1; done']);
    try {
      const { listeners } = await hosts.response(host, "listSockets", { port: 443 });
      expect(listeners).toHaveLength(1);
      expect(listeners[0]).toMatchObject({ protocol: "SOCKET_PROTOCOL_TCP", address: "::", port: 443 });
      expect(listeners[0].holders).toEqual([
        expect.objectContaining({
          name: "node",
          argv: ["/usr/bin/node", "-e", holder],
          parentName: "sh",
          user: "root",
        }),
      ]);
      const other = await hosts.response(hosts.fleet.host("facts-arch"), "listSockets", { port: 443 });
      expect(other.listeners).toEqual([]);
    } finally {
      await host.run(["systemctl", "stop", "holder.service"]);
    }
  });

  it("sees the host's own processes and sockets alone", async () => {
    const outside = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => outside.once("listening", resolve));
    try {
      const host = hosts.fleet.host("facts-fedora");
      const { port } = outside.address() as { port: number };
      expect((await hosts.response(host, "listSockets", { port })).listeners).toEqual([]);
      const { processes } = await hosts.response(host, "getProcess", { pid: 1 });
      expect(processes[0].process).toMatchObject({ pid: 1, parentPid: 0, name: "systemd", user: "root" });
      expect(processes[0].ancestry).toEqual([]);
      const journal = await hosts.response(host, "getProcess", { name: "systemd-journal" });
      expect(journal.processes[0].cgroup).toContain("/system.slice/systemd-journald.service");
      expect(journal.processes[0].ancestry).toEqual([{ pid: 1, name: "systemd" }]);
      const unix = await hosts.response(host, "listSockets", { protocols: ["SOCKET_PROTOCOL_UNIX"], limit: 10000 });
      const socket = unix.listeners.find(({ path }: { path: string }) => path === "/run/systemd/journal/stdout");
      expect(socket.holders.map(({ name }: { name: string }) => name)).toContain("systemd");
    } finally {
      outside.close();
    }
  });
});
