// One story told by four package managers: install hello-fleet 1.0, learn of 2.0, upgrade, remove; and the orphan that
// hello-parent leaves. These are the facts that README.md lists, so a wrong line there fails here.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Distro, type HostFleet, requireHosts, startHosts } from "./hosts.js";

const skipped = await requireHosts();

/** What is run, how it ends, and what its output must match, or must not have at all (""). */
type Step = [command: string, exitCode: number, output?: RegExp | ""];

interface Story {
  install: Step[];
  learn: Step[];
  upgrade: Step[];
  remove: Step[];
  orphan: Step[];
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg's
const installed = "dpkg-query --show --showformat=${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Abbrev}\\n";
const zypper = "zypper --non-interactive";

const stories: Record<Distro, Story> = {
  debian: {
    install: [
      [`${installed} hello-fleet`, 1],
      ["apt-get -s install hello-fleet", 0, /^Inst hello-fleet \(1\.0 hosts:stable \[all\]\)$/m],
      ["apt-get install -y hello-fleet", 0, /1 newly installed/],
      ["apt-get install -y hello-fleet", 0, /hello-fleet is already the newest version \(1\.0\)/],
      ["apt-get install -y no-such", 100],
      [`${installed} hello-fleet`, 0, /^hello-fleet\t1\.0\tall\tii $/],
    ],
    learn: [
      ["apt list --upgradable", 0, /^Listing\.\.\.$/],
      ["apt-get update", 0],
      ["apt list --upgradable", 0, /^hello-fleet\/stable 2\.0 all \[upgradable from: 1\.0\]$/m],
      ["apt-get -s upgrade", 0, /^Inst hello-fleet \[1\.0\] \(2\.0 hosts:stable \[all\]\)$/m],
    ],
    upgrade: [
      ["apt-get upgrade -y", 0, /^1 upgraded, 0 newly installed/m],
      ["apt-get upgrade -y", 0, /^0 upgraded, 0 newly installed/m],
      [`${installed} hello-fleet`, 0, /^hello-fleet\t2\.0\t/],
    ],
    remove: [
      ["apt-get -s remove hello-fleet", 0, /^Remv hello-fleet \[2\.0\]$/m],
      ["apt-get remove -y hello-fleet", 0],
      [`${installed} hello-fleet`, 0, /^hello-fleet\t2\.0\tall\trc $/],
      ["apt-get purge -y hello-fleet", 0],
      [`${installed} hello-fleet`, 1, ""],
      ["apt-get remove -y hello-fleet", 0, /not installed, so not removed/],
    ],
    orphan: [
      ["apt-get install -y hello-parent", 0],
      ["apt-get remove -y hello-parent", 0],
      ["apt-get -s autoremove", 0, /^Remv hello-leaf \[1\.0\]$/m],
      ["apt-get autoremove -y", 0],
      ["apt-get -s autoremove", 0, /0 to remove/],
    ],
  },
  fedora: {
    install: [
      ["rpm -q hello-fleet", 1, /^package hello-fleet is not installed$/],
      ["dnf --assumeno install hello-fleet", 1, /^ hello-fleet +noarch +1\.0-1 +hosts/m],
      ["dnf -y install hello-fleet", 0, /^Complete!$/m],
      ["dnf -y install hello-fleet", 0, /already installed/],
      ["dnf -y install no-such", 1],
      ["rpm -qa --qf %{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n", 0, /^hello-fleet\t1\.0-1\tnoarch$/m],
    ],
    learn: [
      ["dnf -q check-update", 0, ""],
      ["dnf -q check-update --refresh", 100, /^hello-fleet\.noarch +2\.0-1 +hosts$/m],
      ["dnf -q repoquery --upgrades --qf %{name}\\t%{evr}\\t%{repoid}", 0, /^hello-fleet\t2\.0-1\thosts$/],
      ["dnf --assumeno upgrade", 1, /^Upgrading:\n hello-fleet +noarch +2\.0-1/m],
    ],
    upgrade: [
      ["dnf -y upgrade hello-fleet", 0, /^Upgraded:\n {2}hello-fleet-2\.0-1\.noarch/m],
      ["dnf -y upgrade hello-fleet", 0, /^Nothing to do\.$/m],
      ["rpm -q hello-fleet", 0, /^hello-fleet-2\.0-1\.noarch$/],
    ],
    remove: [
      ["dnf --assumeno remove hello-fleet", 1, /^Removing:\n hello-fleet/m],
      ["dnf -y remove hello-fleet", 0],
      ["rpm -q hello-fleet", 1],
      ["dnf -y remove hello-fleet", 0, /^Nothing to do\.$/m],
    ],
    orphan: [
      ["dnf -y install hello-parent", 0],
      ["dnf -y remove --noautoremove hello-parent", 0],
      ["dnf -q repoquery --unneeded", 0, /^hello-leaf-0:1\.0-1\.noarch$/],
      ["dnf -y autoremove", 0],
      ["dnf -q repoquery --unneeded", 0, ""],
    ],
  },
  opensuse: {
    install: [
      ["rpm -q hello-fleet", 1],
      [`${zypper} install --dry-run hello-fleet`, 0, /NEW package is going to be installed:\n {2}hello-fleet/],
      [`${zypper} install hello-fleet`, 0, /Installing: hello-fleet-1\.0-1\.noarch/],
      [`${zypper} install hello-fleet`, 0, /^Nothing to do\.$/m],
      [`${zypper} install no-such`, 104],
      [`${zypper} search --installed-only --details hello-fleet`, 0, /^i\+ \| hello-fleet \| package \| 1\.0-1 +\|/m],
    ],
    learn: [
      [`${zypper} --no-refresh list-updates`, 0, /^No updates found\.$/m],
      [`${zypper} list-updates`, 0, /^v \| Hosts +\| hello-fleet \| 1\.0-1 +\| 2\.0-1 +\| noarch$/m],
      [`${zypper} --xmlout list-updates`, 0, /<update kind="package" name="hello-fleet" edition="2\.0-1"/],
      [
        `${zypper} --xmlout update --dry-run`,
        0,
        /name="hello-fleet" edition="2\.0-1" arch="noarch" edition-old="1\.0-1"/,
      ],
    ],
    upgrade: [
      [`${zypper} update hello-fleet`, 0, /Installing: hello-fleet-2\.0-1\.noarch/],
      [`${zypper} update hello-fleet`, 0, /^Nothing to do\.$/m],
      ["rpm -q hello-fleet", 0, /^hello-fleet-2\.0-1\.noarch$/],
    ],
    remove: [
      [`${zypper} remove --dry-run hello-fleet`, 0, /going to be REMOVED:\n {2}hello-fleet/],
      [`${zypper} remove hello-fleet`, 0],
      ["rpm -q hello-fleet", 1],
      [`${zypper} remove hello-fleet`, 104],
    ],
    orphan: [
      [`${zypper} install hello-parent`, 0],
      [`${zypper} remove hello-parent`, 0],
      [`${zypper} packages --unneeded`, 0, /^i \| Hosts +\| hello-leaf +\| 1\.0-1 +\| noarch$/m],
      [`${zypper} remove --clean-deps hello-leaf`, 0],
      [`${zypper} packages --unneeded`, 0, /No packages found/],
    ],
  },
  arch: {
    install: [
      ["pacman -Q hello-fleet", 1],
      ["pacman -Sp --print-format %n|%v|%r hello-fleet", 0, /^hello-fleet\|1\.0-1\|hosts$/],
      ["pacman -S --noconfirm --needed hello-fleet", 0],
      ["pacman -S --noconfirm --needed hello-fleet", 0, /is up to date -- skipping|there is nothing to do/],
      ["pacman -S --noconfirm no-such", 1],
      ["pacman -Q hello-fleet", 0, /^hello-fleet 1\.0-1$/],
    ],
    learn: [
      ["pacman -Qu", 1, ""],
      ["pacman -Sy", 0],
      ["pacman -Qu", 0, /^hello-fleet 1\.0-1 -> 2\.0-1$/],
      ["pacman -Sup --print-format %n|%v", 0, /^hello-fleet\|2\.0-1$/m],
    ],
    upgrade: [
      ["pacman -Su --noconfirm", 0, /^upgrading hello-fleet\.\.\.$/m],
      ["pacman -Su --noconfirm", 0, /there is nothing to do/],
      ["pacman -Q hello-fleet", 0, /^hello-fleet 2\.0-1$/],
    ],
    remove: [
      ["pacman -Rp --print-format %n|%v hello-fleet", 0, /^hello-fleet\|2\.0-1$/],
      ["pacman -R --noconfirm hello-fleet", 0],
      ["pacman -Q hello-fleet", 1],
      ["pacman -R --noconfirm hello-fleet", 1],
    ],
    orphan: [
      ["pacman -S --noconfirm hello-parent", 0],
      ["pacman -R --noconfirm hello-leaf", 1],
      ["pacman -R --noconfirm hello-parent", 0],
      ["pacman -Qdtq", 0, /^hello-leaf$/],
      ["pacman -Rns --noconfirm hello-leaf", 0],
      ["pacman -Qdtq", 1, ""],
    ],
  },
};

describe.skipIf(skipped)("package managers", () => {
  let fleet: HostFleet;

  beforeAll(async () => {
    fleet = await startHosts(Object.keys(stories).map((distro) => ({ name: `${distro}-a`, distro: distro as Distro })));
  });

  afterAll(() => fleet?.close());

  const play = async (distro: Distro, steps: Step[]) => {
    for (const [command, exitCode, output] of steps) {
      const result = await fleet.host(`${distro}-a`).exec(command.split(" "));
      expect(result, command).toMatchObject({ exitCode });
      if (output !== undefined) expect(result.stdout, command).toMatch(output || /^$/);
    }
  };

  describe.each(Object.entries(stories) as [Distro, Story][])("of %s", (distro, story) => {
    const host = () => fleet.host(`${distro}-a`);

    test("installs what is out", () => play(distro, story.install));

    test("learns of an upgrade once it has looked", async () => {
      await host().publish("2.0");
      await play(distro, story.learn);
    });

    test("upgrades, and the service runs what it was started with until it is restarted", async () => {
      await host().run(["systemctl", "enable", "--now", "hello-fleet"]);
      await play(distro, story.upgrade);
      const logs = () =>
        host().run(["journalctl", "-u", "hello-fleet", "-t", "hello-fleet", "-o", "cat", "--no-pager"]);
      expect(await logs()).toBe("hello-fleet 1.0 started");
      await host().run(["systemctl", "restart", "hello-fleet"]);
      await expect.poll(logs).toBe("hello-fleet 1.0 started\nhello-fleet 2.0 started");
    });

    test("removes, and the service runs on without its package", async () => {
      await play(distro, story.remove);
      expect((await host().exec(["systemctl", "is-active", "hello-fleet"])).stdout).toBe("active");
      await host().run(["systemctl", "stop", "hello-fleet"]);
    });

    test("knows an orphan", () => play(distro, story.orphan));
  });
});
