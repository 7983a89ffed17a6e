// The four package managers on real hosts: what a dry run predicts, what a commit does, and what the host itself says then.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, requireHosts } from "../../../hosts/hosts.js";
import { type ProviderHosts, startProviderHosts } from "../provider-hosts.js";

const managers = [
  { manager: "apt", distro: "debian", release: "", query: ["dpkg-query", "-W", `-f=\${Version}`] },
  { manager: "dnf", distro: "fedora", release: "-1", query: ["rpm", "-q", "--qf=%{VERSION}-%{RELEASE}"] },
  { manager: "zypper", distro: "opensuse", release: "-1", query: ["rpm", "-q", "--qf=%{VERSION}-%{RELEASE}"] },
  { manager: "pacman", distro: "arch", release: "-1", query: ["pacman", "-Q"] },
] as const;

const skipped = await requireHosts();
let hosts: ProviderHosts;

describe.skipIf(skipped)("packages of real hosts", () => {
  beforeAll(async () => {
    hosts = await startProviderHosts(managers.map(({ manager, distro }) => ({ name: manager, distro })));
  });
  afterAll(() => hosts?.close());

  // Hosts work side by side, the steps on one of them after each other.
  describe.concurrent.each(managers)("$manager", ({ manager, release, query }) => {
    const host = (): Host => hosts.fleet.host(manager);
    const v1 = `1.0${release}`;
    const v2 = `2.0${release}`;

    test("from the first list to the last cleaning, every dry run equals its commit", async () => {
      const ask = (method: string, request: object) => hosts.response(host(), method, request);
      // The dry run, then the commit, which must have done what was predicted.
      const change = async (method: string, request: object) => {
        const planned = await ask(method, { ...request, dryRun: true });
        const done = await ask(method, request);
        expect(planned.dryRun).toBe(true);
        expect(done.dryRun).toBe(false);
        expect(done.changes).toEqual(planned.changes);
        return done;
      };
      const versionOf = async (name: string) => (await host().exec([...query, name])).stdout.trim().split(" ").at(-1);

      const before = await ask("listPackages", { limit: 1000 });
      expect(before.packageManager).toBe(manager);
      expect(before.matchedCount).toBe(before.packages.length);
      expect(before.packages.map(({ name }: { name: string }) => name)).not.toContain("hello-fleet");

      expect((await change("installPackages", { packages: ["hello-fleet", "hello-parent"] })).changes).toEqual([
        install("hello-fleet", v1),
        install("hello-leaf", v1),
        install("hello-parent", v1),
      ]);
      expect(await versionOf("hello-fleet")).toBe(v1);
      expect((await change("installPackages", { packages: ["hello-fleet"] })).changes).toEqual([]);

      const listed = await ask("listPackages", { pattern: "^hello-" });
      expect(listed.packages.map(({ name, version }: Record<string, string>) => `${name} ${version}`)).toEqual([
        `hello-fleet ${v1}`,
        `hello-leaf ${v1}`,
        `hello-parent ${v1}`,
      ]);
      for (const { arch, installedBytes } of listed.packages) {
        expect(["all", "noarch", "any"]).toContain(arch);
        expect(Number(installedBytes)).toBeGreaterThan(0);
      }
      expect(await ask("listPackages", { pattern: "^hello-", limit: 1 })).toMatchObject({
        matchedCount: 3,
        omittedCount: 2,
      });

      expect((await ask("listPackages", { upgradableOnly: true })).packages).toEqual([]);
      await host().publish("2.0");
      expect((await change("updatePackages", { refresh: true, packages: ["hello-leaf"] })).changes).toEqual([]);
      expect((await ask("listPackages", { upgradableOnly: true })).packages).toMatchObject([
        { name: "hello-fleet", version: v1, candidateVersion: v2 },
      ]);
      expect((await ask("listPackages", { pattern: "hello-fleet" })).packages[0].candidateVersion).toBe("");
      const upgrade = { subject: "hello-fleet", kind: "CHANGE_KIND_UPGRADE", from: v1, to: v2 };
      expect((await ask("updatePackages", { dryRun: true })).changes).toEqual([upgrade]);
      expect((await change("updatePackages", { packages: ["hello-fleet"] })).changes).toEqual([upgrade]);
      expect(await versionOf("hello-fleet")).toBe(v2);
      expect((await change("updatePackages", {})).changes).toEqual([]);

      if (manager !== "pacman") {
        // pacman's repositories hold one version of each package.
        expect((await change("installPackages", { packages: ["hello-fleet=1.0"] })).changes).toEqual([
          { subject: "hello-fleet", kind: "CHANGE_KIND_DOWNGRADE", from: v2, to: v1 },
        ]);
        expect(await versionOf("hello-fleet")).toBe(v1);
      }

      // What only it needed goes with it on dnf by that manager's own default; elsewhere it is what autoremove finds.
      const removed = (await change("removePackages", { packages: ["hello-parent"] })).changes;
      const unused = { scopes: ["OPTIMIZE_SCOPE_UNUSED_DEPENDENCIES"] };
      const expectUnused = await ask("optimize", { ...unused, dryRun: true });
      const freed = await change("optimize", unused);
      expect(freed.freedBytes).toBe(expectUnused.freedBytes);
      if (manager === "dnf") {
        expect(removed).toEqual([remove("hello-leaf", v1), remove("hello-parent", v1)]);
        expect(freed).toMatchObject({ changes: [], freedBytes: "0" });
      } else {
        expect(removed).toEqual([remove("hello-parent", v1)]);
        expect(freed.changes).toEqual([remove("hello-leaf", v1)]);
        expect(Number(freed.freedBytes)).toBeGreaterThanOrEqual(4096);
      }

      await ask("installPackages", { packages: ["hello-parent"] });
      expect((await change("removePackages", { packages: ["hello-leaf"] })).changes).toEqual([
        remove("hello-leaf", v1),
        remove("hello-parent", v1),
      ]);

      await ask("removePackages", { packages: ["hello-fleet"] });
      expect((await ask("listPackages", { pattern: "^hello-" })).packages).toEqual([]);
    }, 120_000);
  });
});

function install(subject: string, version: string) {
  return { subject, kind: "CHANGE_KIND_INSTALL", from: "", to: version };
}

function remove(subject: string, version: string) {
  return { subject, kind: "CHANGE_KIND_REMOVE", from: version, to: "" };
}
