import { expect, test } from "vitest";
import { requireHosts, startHosts } from "./hosts.js";

const skipped = await requireHosts();
test.skipIf(skipped)("five", { timeout: 60_000 }, async () => {
  const t = performance.now();
  const fleet = await startHosts([
    { name: "deb-a", distro: "debian" },
    { name: "deb-b", distro: "debian" },
    { name: "rpm-a", distro: "fedora" },
    { name: "suse-a", distro: "opensuse" },
    { name: "arch-a", distro: "arch" },
  ]);
  console.log("boot", performance.now() - t);
  for (const h of fleet.hosts) {
    const t1 = performance.now();
    console.log(
      h.name,
      h.address,
      await h.run(["node", "-e", "console.log(process.version, os.hostname())"]),
      performance.now() - t1,
    );
    const t2 = performance.now();
    await h.run(["true"]);
    console.log(performance.now() - t2);
    console.log(await h.run(["cat", "/proc/self/cgroup"]));
  }
  const t3 = performance.now();
  await fleet.close();
  console.log("close", performance.now() - t3);
  expect(1).toBe(1);
});
