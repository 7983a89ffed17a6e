// What can go wrong when packages change, on real hosts of all four managers.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, requireHosts } from "../../../hosts/hosts.js";
import { type ProviderHosts, startProviderHosts } from "../provider-hosts.js";

// A python process that holds dnf's own lock, as dnf's code takes it. The others hold theirs while they wait for an answer.
const dnfLock =
  "import dnf.lock, time; lock = dnf.lock.build_rpmdb_lock('/var/lib/dnf', True); lock.__enter__(); time.sleep(60)";
const managers = [
  {
    manager: "apt",
    distro: "debian",
    holdLock: "sleep 60 | apt-get install hello-parent",
    holder: "apt-get",
    isHeld: "journalctl -u holder | grep -q 'newly installed'",
    lock: /^\/var\/lib\/dpkg\/lock|^\/var\/cache\/apt\/archives\/lock/,
    protect: "true",
    cacheFile: "/var/cache/apt/archives/left_1.0_all.deb",
    cacheDirectory: "/var/cache/apt/archives",
  },
  {
    manager: "dnf",
    distro: "fedora",
    holdLock: `python3 -c "${dnfLock}"`,
    holder: "python3",
    isHeld: "test -s /var/lib/dnf/rpmdb_lock.pid",
    lock: /^\/var\/lib\/dnf\/rpmdb_lock\.pid$/,
    protect: "mkdir -p /etc/dnf/protected.d; echo hello-leaf > /etc/dnf/protected.d/hello.conf",
    // The folder's name has a hash of the repository's address.
    cacheFile: "$(echo /var/cache/dnf/hosts-????????????????)/packages/left-1.0-1.noarch.rpm",
    cacheDirectory: "/var/cache/dnf",
  },
  {
    manager: "zypper",
    distro: "opensuse",
    // It asks nobody but a terminal.
    holdLock: "sleep 60 | script -qec 'zypper --no-refresh install hello-parent' /dev/null",
    holder: "zypper",
    isHeld: "test -s /run/zypp.pid",
    lock: /^\/run\/zypp\.pid$/,
    protect: undefined,
    cacheFile: "/var/cache/zypp/packages/hosts/noarch/left-1.0-1.noarch.rpm",
    cacheDirectory: "/var/cache/zypp/packages",
  },
  {
    manager: "pacman",
    distro: "arch",
    holdLock: "sleep 60 | pacman -S hello-parent",
    holder: "pacman",
    isHeld: "test -e /var/lib/pacman/db.lck",
    lock: /^\/var\/lib\/pacman\/db\.lck$/,
    protect: "sed -i 's/^HoldPkg.*/HoldPkg = pacman hello-leaf/' /etc/pacman.conf",
    cacheFile: "/var/cache/pacman/pkg/left-1.0-1-any.pkg.tar.zst",
    cacheDirectory: "/var/cache/pacman/pkg",
  },
] as const;

const skipped = await requireHosts();
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
let hosts: ProviderHosts;

describe.skipIf(skipped)("trouble with packages", () => {
  beforeAll(async () => {
    hosts = await startProviderHosts(managers.map(({ manager, distro }) => ({ name: manager, distro })));
  });
  afterAll(() => hosts?.close());

  const ask = (host: Host, method: string, request: object) => hosts.ask(host, method, request);
  const namesOn = async (host: Host): Promise<string[]> =>
    (await hosts.response(host, "listPackages", { limit: 10000 })).packages.map(({ name }: { name: string }) => name);

  describe.each(managers)(
    "$manager",
    ({ manager, holdLock, holder, isHeld, lock, protect, cacheFile, cacheDirectory }) => {
      const host = () => hosts.fleet.host(manager);

      test("refusals leave the host as it was", async () => {
        const before = await namesOn(host());
        for (const dryRun of [true, false]) {
          for (const missing of ["no-such-package", "hello-leaf-", "hello-fleet=9.9"]) {
            const { error } = await ask(host(), "installPackages", { packages: ["hello-leaf", missing], dryRun });
            expect(error).toMatchObject({ reason: "UNKNOWN_PACKAGE", metadata: { package: missing } });
          }
          const { error } = await ask(host(), "removePackages", { packages: ["hello-leaf"], dryRun });
          expect(error).toMatchObject({ reason: "UNKNOWN_PACKAGE", metadata: { package: "hello-leaf" } });
        }
        const asNobody = await hosts.ask(host(), "installPackages", { packages: ["hello-leaf"] }, { wrapper: nobody });
        expect(asNobody.error).toMatchObject({ reason: "PRIVILEGE_MISSING", metadata: { needs: "root" } });
        expect(await namesOn(host())).toEqual(before);
      }, 90_000);

      test("the lock is held: LOCKED with the lock and its holder, after a bounded wait; later it goes on", async () => {
        const install = () => ask(host(), "installPackages", { packages: ["hello-leaf"] });
        await host().run(["systemd-run", "--quiet", "--unit=holder", "sh", "-c", holdLock]);
        await expect.poll(async () => (await host().exec(["sh", "-c", isHeld])).exitCode, { timeout: 20_000 }).toBe(0);
        const started = performance.now();
        const { error } = await install();
        expect(error).toMatchObject({ reason: "LOCKED", metadata: { lock: expect.stringMatching(lock) } });
        // The suite's handlers wait 2 s for a lock.
        expect(performance.now() - started).toBeGreaterThan(1500);
        expect(await host().readFile(`/proc/${error?.metadata.pid}/comm`)).toBe(`${holder}\n`);
        // The holder goes first: with its input gone before, it would end in order and give the lock back.
        await host().kill9(Number(error?.metadata.pid));
        await host().exec(["systemctl", "stop", "holder"]);
        if (manager === "pacman") {
          await expect.poll(async () => (await install()).error?.metadata).toMatchObject({ pid: "" });
          await host().run(["rm", "/var/lib/pacman/db.lck"]);
        }
        expect((await install()).response.changes).toMatchObject([
          { subject: "hello-leaf", kind: "CHANGE_KIND_INSTALL" },
        ]);
      }, 90_000);

      test("a protected package stays", async () => {
        if (protect === undefined) return expect(manager).toBe("zypper");
        await host().run(["sh", "-c", protect]);
        const name = manager === "apt" ? "bash" : "hello-leaf";
        for (const dryRun of [true, false]) {
          const { error } = await ask(host(), "removePackages", { packages: [name], dryRun });
          expect(error).toMatchObject({ reason: "CHANGE_REFUSED", metadata: { rule: "protected" } });
        }
        expect(await namesOn(host())).toContain(name);
      }, 60_000);

      test("downloaded packages are measured, deleted, and gone", async () => {
        const cache = { scopes: ["OPTIMIZE_SCOPE_PACKAGE_CACHE"] };
        await hosts.response(host(), "optimize", cache);
        const plant = `file=${cacheFile}; mkdir -p "$(dirname "$file")"; dd if=/dev/zero of="$file" bs=1000 count=1000`;
        await host().run(["sh", "-c", plant]);
        const freed = {
          changes: [{ subject: cacheDirectory, kind: "CHANGE_KIND_CLEAN", from: "filled", to: "empty" }],
          freedBytes: "1003520",
        };
        expect(await hosts.response(host(), "optimize", { ...cache, dryRun: true })).toMatchObject(freed);
        expect(await hosts.response(host(), "optimize", cache)).toMatchObject(freed);
        expect((await host().exec(["sh", "-c", `test -e ${cacheFile}`])).exitCode).toBe(1);
        expect(await hosts.response(host(), "optimize", cache)).toMatchObject({ changes: [], freedBytes: "0" });
      }, 60_000);
    },
  );

  describe("what no repository has", () => {
    test.each(["dnf", "zypper", "pacman"])(
      "%s: it is removed as an orphan",
      async (manager) => {
        const host = hosts.fleet.host(manager);
        await host.exec([
          "sh",
          "-c",
          "rm -f /etc/dnf/protected.d/hello.conf; sed -i 's/^HoldPkg.*/HoldPkg = pacman/' /etc/pacman.conf",
        ]);
        await hosts.response(host, "installPackages", { packages: ["hello-fleet", "hello-parent"] });
        // A repository that has lost one of its packages.
        await host.run(["sh", "-c", withoutHelloFleet(manager)]);
        const orphans = { scopes: ["OPTIMIZE_SCOPE_ORPHANED_PACKAGES"] };
        const planned = await hosts.response(host, "optimize", { ...orphans, dryRun: true });
        const done = await hosts.response(host, "optimize", orphans);
        expect(planned.changes.map(({ subject }: { subject: string }) => subject)).toEqual(["hello-fleet"]);
        expect({ ...done, output: "" }).toEqual({ ...planned, dryRun: false, output: "" });
        expect(Number(done.freedBytes)).toBeGreaterThan(0);
        expect(await namesOn(host)).not.toContain("hello-fleet");
      },
      90_000,
    );

    test("dnf: when nothing is in a repository, the metadata is at fault, and everything stays", async () => {
      const host = hosts.fleet.host("dnf");
      const empty =
        "mkdir -p /srv/empty && createrepo_c -q /srv/empty && ln -sfn /srv/empty /srv/current && dnf --refresh makecache";
      await host.run(["sh", "-c", empty]);
      const before = await namesOn(host);
      const request = { scopes: ["OPTIMIZE_SCOPE_ORPHANED_PACKAGES"] };
      for (const dryRun of [true, false]) {
        const { error } = await ask(host, "optimize", { ...request, dryRun });
        expect(error).toMatchObject({ reason: "CHANGE_REFUSED", metadata: { subject: "dnf" } });
      }
      expect(await namesOn(host)).toEqual(before);
    }, 60_000);

    test("apt: the configuration of removed packages is", async () => {
      const host = hosts.fleet.host("apt");
      await hosts.response(host, "installPackages", { packages: ["hello-fleet"] });
      await hosts.response(host, "removePackages", { packages: ["hello-fleet"] });
      expect(await host.readFile("/etc/hello-fleet.conf")).toContain("greeting");
      const orphans = { scopes: ["OPTIMIZE_SCOPE_ORPHANED_PACKAGES"] };
      const expected = {
        changes: [{ subject: "hello-fleet", kind: "CHANGE_KIND_CLEAN", from: "1.0", to: "" }],
        freedBytes: "4096",
      };
      expect(await hosts.response(host, "optimize", { ...orphans, dryRun: true })).toMatchObject(expected);
      expect(await hosts.response(host, "optimize", orphans)).toMatchObject(expected);
      expect((await host.exec(["test", "-e", "/etc/hello-fleet.conf"])).exitCode).toBe(1);
      expect(await hosts.response(host, "optimize", orphans)).toMatchObject({ changes: [], freedBytes: "0" });
    });
  });

  describe("apt's scripts", () => {
    beforeAll(async () => {
      await hosts.fleet.host("apt").run(["sh", "-c", buildPackages], { timeout: 60_000 });
    });

    test("a configuration file that the operator changed is kept, and nothing asks", async () => {
      const host = hosts.fleet.host("apt");
      await hosts.response(host, "installPackages", { packages: ["hello-fleet=1.0"], refresh: true });
      await host.writeFile("/etc/hello-fleet.conf", "greeting=mine\n");
      const { changes } = await hosts.response(host, "updatePackages", { packages: ["hello-fleet"] });
      expect(changes).toEqual([{ subject: "hello-fleet", kind: "CHANGE_KIND_UPGRADE", from: "1.0", to: "3.0" }]);
      expect(await host.readFile("/etc/hello-fleet.conf")).toBe("greeting=mine\n");
      expect(await host.readFile("/etc/hello-fleet.conf.dpkg-dist")).toContain("greeting=new");
    }, 60_000);

    test("a script that fails: COMMAND_FAILED tells what changed all the same", async () => {
      const host = hosts.fleet.host("apt");
      const { error } = await ask(host, "installPackages", { packages: ["hello-broken"] });
      expect(error?.reason).toBe("COMMAND_FAILED");
      expect(error?.metadata).toMatchObject({ program: "apt-get", exit_code: "100" });
      expect(error?.metadata.changed).toBe("hello-broken - 1.0");
      expect(error?.metadata.output).toContain("broken on purpose");
      expect(error?.message).not.toContain("broken on purpose");
    }, 60_000);

    test("vital packages stay, whoever depends on whom", async () => {
      const host = hosts.fleet.host("apt");
      for (const name of ["dpkg", "systemd", "apt"]) {
        const { error } = await ask(host, "removePackages", { packages: [name], dryRun: true });
        expect(error).toMatchObject({ reason: "CHANGE_REFUSED", metadata: { subject: name, rule: "protected" } });
      }
      const { error } = await ask(host, "removePackages", { packages: ["libsystemd-shared"], dryRun: true });
      expect(error).toMatchObject({ reason: "CHANGE_REFUSED", metadata: { rule: "protected" } });
    });
  });

  test("a distribution that nobody knows: UNSUPPORTED with what was found", async () => {
    const host = hosts.fleet.host("apt");
    const hide =
      'printf "ID=unheard\\nID_LIKE=of\\n" > /tmp/os-release; mount --bind /tmp/os-release /etc/os-release; exec "$@"';
    const { error } = await hosts.ask(
      host,
      "listPackages",
      {},
      { wrapper: ["unshare", "--mount", "sh", "-c", hide, "sh"] },
    );
    expect(error).toMatchObject({
      reason: "UNSUPPORTED",
      metadata: { operation: "ListPackages", found: "unheard,of" },
    });
  });
});

// Points the repository at a copy without hello-fleet and makes the manager read it.
function withoutHelloFleet(manager: string): string {
  const copy =
    "rm -rf /srv/less; cp -r /srv/repo/1.0 /srv/less; rm -rf /srv/less/*hello-fleet* /srv/less/*.db* /srv/less/*.files*; cd /srv/less";
  const index = {
    dnf: "rm -rf repodata; createrepo_c -q .; ln -sfn /srv/less /srv/current; dnf --refresh makecache",
    zypper: "rm -rf repodata; createrepo_c -q .; ln -sfn /srv/less /srv/current; zypper -n refresh -f",
    pacman: "repo-add -q hosts.db.tar.gz *.pkg.tar.zst; ln -sfn /srv/less /srv/current; pacman -Syy",
  };
  return `set -e; ${copy}; ${index[manager as keyof typeof index]}`;
}

// hello-fleet 3.0 with another configuration file, and a package whose script fails.
const buildPackages = `set -e
  mkdir -p /srv/extra; cd /srv/extra
  dpkg-deb -R /srv/repo/1.0/hello-fleet_1.0_all.deb new
  sed -i 's/^Version: .*/Version: 3.0/' new/DEBIAN/control; echo greeting=new > new/etc/hello-fleet.conf
  dpkg-deb -b new hello-fleet_3.0_all.deb
  dpkg-deb -R /srv/repo/1.0/hello-leaf_1.0_all.deb bad
  sed -i 's/^Package: .*/Package: hello-broken/' bad/DEBIAN/control; mv bad/usr/share/hello-leaf bad/usr/share/hello-broken
  printf '#!/bin/sh\\necho broken on purpose\\nexit 1\\n' > bad/DEBIAN/postinst; chmod 755 bad/DEBIAN/postinst
  dpkg-deb -b bad hello-broken_1.0_all.deb
  for deb in *.deb; do dpkg-deb -f $deb; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' $deb $(stat -c %s $deb) $(sha256sum < $deb | cut -c1-64); done > Packages
  echo "deb [trusted=yes] file:/srv/extra ./" > /etc/apt/sources.list.d/extra.list`;
