// Five real systemd hosts, each with its own daemon process, attached to one control plane.
import { setTimeout as sleep } from "node:timers/promises";
import { type HostFleet, projectBinds, startHosts } from "../hosts/hosts.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";
import type { McpClient } from "./mcp-clients.js";

export const hostSpecs = [
  { name: "deb-a", distro: "debian" },
  { name: "deb-b", distro: "debian" },
  { name: "dnf-a", distro: "fedora" },
  { name: "zypper-a", distro: "opensuse" },
  { name: "pacman-a", distro: "arch" },
] as const;

export const hostNames = hostSpecs.map((spec) => spec.name);

export interface FiveHosts extends AsyncDisposable {
  readonly hosts: HostFleet;
  readonly controlPlane: ControlPlane;
  /** Where its daemons attach. */
  readonly relayUrls: readonly string[];
}

/** Boots the hosts and the control plane, starts a daemon on each host. */
export async function startFiveHosts(): Promise<FiveHosts> {
  const hosts = await startHosts([...hostSpecs], { binds: projectBinds() });
  const controlPlane = await startControlPlane(hosts.outerAddress, ["--no-daemon"]);
  return startDaemons({ hosts, controlPlane, relayUrls: [controlPlane.addresses.relay] });
}

/** Starts a daemon on each host; disposing ends the control plane and the hosts. */
export async function startDaemons(parts: Omit<FiveHosts, typeof Symbol.asyncDispose>): Promise<FiveHosts> {
  await Promise.all(hostNames.map((name) => startDaemonOn(parts, name)));
  return {
    ...parts,
    [Symbol.asyncDispose]: async () => {
      await parts.controlPlane[Symbol.asyncDispose]();
      await parts.hosts.close();
    },
  };
}

/** Starts the daemon as the unit systems-manager-daemon. */
export async function startDaemonOn(
  { hosts, controlPlane, relayUrls }: Omit<FiveHosts, typeof Symbol.asyncDispose>,
  name: string,
): Promise<void> {
  const host = hosts.host(name);
  await host.writeFile("/etc/systems-manager/fleet.pub", controlPlane.verifyingKey);
  const command = ["/usr/bin/node", "/opt/systems-manager/dist/services/cli/main.js", "daemon"];
  const relays = relayUrls.flatMap((url) => ["--relay", url]);
  const identity = [
    "--fleet-key",
    "/etc/systems-manager/fleet.pub",
    "--name",
    name,
    "--label",
    `distro=${host.distro}`,
  ];
  await host.startUnit("systems-manager-daemon", [...command, ...relays, ...identity]);
}

/** Waits until exactly these hosts are online. */
export async function waitForHosts(client: McpClient, names: readonly string[]): Promise<void> {
  let online: string[] = [];
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(100)) {
    const answer = await client.call("find_hosts", { selector: "online" });
    online = answer.isError ? [] : answer.structured.hosts.map((host: { name: string }) => host.name).sort();
    if (online.join() === [...names].sort().join()) return;
  }
  throw new Error(`online are ${online.join(", ") || "no hosts"} and not ${names.join(", ")}`);
}
