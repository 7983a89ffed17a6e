// Hosts that go off and come back: power failure, shutdown, reboot.
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, type HostFleet, requireHosts, startHosts } from "./hosts.js";

const skipped = await requireHosts();

describe.skipIf(skipped)("a host's power", () => {
  let fleet: HostFleet;
  let host: Host;
  let neighbour: Host;

  beforeAll(async () => {
    fleet = await startHosts([
      { name: "deb-off", distro: "debian" },
      { name: "deb-on", distro: "debian" },
    ]);
    [host, neighbour] = [fleet.host("deb-off"), fleet.host("deb-on")];
  });

  afterAll(() => fleet?.close());

  const bootId = () => host.run(["cat", "/proc/sys/kernel/random/boot_id"]);

  test("after a power failure all is gone at once, and other hosts do not notice", async () => {
    const { leader } = host;
    await host.writeFile("/var/lib/kept", "kept");
    await host.kill();
    expect(host.leader).toBeUndefined();
    expect(existsSync(`/proc/${leader}`)).toBe(false);
    await expect(host.exec(["true"])).rejects.toThrow("host deb-off is off: cannot run true");
    expect(await neighbour.run(["systemctl", "is-system-running"])).toBe("running");
  });

  test("powered on again it has its disk, its identity, its journal, and another boot id", async () => {
    const machineId = await neighbour.readFile("/etc/machine-id");
    await host.powerOn();
    expect(await host.readFile("/var/lib/kept")).toBe("kept");
    expect(await host.readFile("/etc/machine-id")).not.toBe(machineId);
    const boots = await host.run(["journalctl", "--list-boots", "--quiet", "--no-pager"]);
    expect(boots.split("\n")).toHaveLength(2);
    expect(boots).toContain((await bootId()).replaceAll("-", ""));
  });

  test("it reboots when its systemd is asked to", async () => {
    const [before, machineId] = [await bootId(), await host.readFile("/etc/machine-id")];
    await host.reboot();
    expect(await bootId()).not.toBe(before);
    expect(await host.readFile("/etc/machine-id")).toBe(machineId);
  });

  test("it shuts down in order", async () => {
    await host.startUnit("goodbye", ["sh", "-c", "trap 'echo goodbye > /var/lib/goodbye; exit' TERM; sleep 60 & wait"]);
    await host.powerOff();
    await host.powerOn();
    expect(await host.readFile("/var/lib/goodbye")).toBe("goodbye\n");
  });
});
