// Text of the package managers, as they wrote it.
import { describe, expect, test } from "vitest";
import {
  parseAptPolicy,
  parseAptSimulation,
  parseAptUpgradable,
  parseDpkgList,
} from "../../../../services/providers/linux/packages/apt-output.js";
import { parseDnfQuery, parseDnfTransaction } from "../../../../services/providers/linux/packages/dnf-output.js";
import {
  parsePacmanDescription,
  parsePacmanReplacements,
  parsePacmanTargets,
  parsePacmanUpgrades,
} from "../../../../services/providers/linux/packages/pacman-output.js";
import { parseRpmList, splitVersion } from "../../../../services/providers/linux/packages/rpm-database.js";
import {
  parseZypperSummary,
  parseZypperTable,
  parseZypperUpdates,
} from "../../../../services/providers/linux/packages/zypper-output.js";

describe("dpkg-query", () => {
  test.each([
    [
      "adduser\tall\t3.134\t686\tinstalled",
      [{ name: "adduser", arch: "all", version: "3.134", installedBytes: 702464 }],
    ],
    [
      "libc6\ti386\t2.36-9\t12000\thalf-configured",
      [{ name: "libc6", arch: "i386", version: "2.36-9", installedBytes: 12288000 }],
    ],
    ["gone\tall\t1.0\t\tconfig-files", [{ name: "gone", arch: "all", version: "1.0", configurationOnly: true }]],
    ["virtual\t\t\t\tnot-installed", []],
    ["", []],
  ])("%j", (text, expected) => {
    expect(parseDpkgList(`${text}\n`)).toEqual(expected);
  });
});

describe("apt list --upgradable", () => {
  test.each([
    [
      "Listing...\ncurl/stable-security 7.88.1-10+deb12u5 amd64 [upgradable from: 7.88.1-10+deb12u4]\n",
      [{ name: "curl", version: "7.88.1-10+deb12u5", arch: "amd64" }],
    ],
    [
      "libssl3/stable,stable-security 1:3.0.11-1 i386 [upgradable from: 1:3.0.9-1]",
      [{ name: "libssl3", version: "1:3.0.11-1", arch: "i386" }],
    ],
    ["Listing...\n", []],
  ])("%j", (text, expected) => {
    expect(parseAptUpgradable(text)).toEqual(expected);
  });
});

describe("apt-get --simulate", () => {
  const native = ["amd64", "all"];
  test.each([
    ["Inst hello-leaf (1.0 hosts:stable [all])", [], [{ name: "hello-leaf", version: "1.0", arch: "all" }]],
    [
      "Inst curl [7.88.1-10] (7.88.1-11 Debian:12/stable, Debian-Security:12 [amd64]) []",
      [{ name: "curl", version: "7.88.1-10", arches: native }],
      [{ name: "curl", version: "7.88.1-11", arch: "amd64" }],
    ],
    [
      "Inst libc6:i386 [2.36-8] (2.36-9 Debian:12/stable [i386]) [libc6:amd64 ]",
      [{ name: "libc6", version: "2.36-8", arches: ["i386"] }],
      [{ name: "libc6", version: "2.36-9", arch: "i386" }],
    ],
    ["Remv systemd [252.39-1~deb12u2]", [{ name: "systemd", version: "252.39-1~deb12u2", arches: native }], []],
    ["Purg hello-fleet", [{ name: "hello-fleet", version: "", arches: native, configurationOnly: true }], []],
    ["Conf hello-leaf (1.0 hosts:stable [all])\nThe following NEW packages will be installed:\n  hello-leaf", [], []],
  ])("%j", (text, removed, added) => {
    expect(parseAptSimulation(text, "amd64")).toEqual({ removed, added });
  });
});

test("apt-cache policy: versions that can be had, none for a name that only others mention", () => {
  const text = `hello-fleet:
  Installed: 1.0
  Candidate: 2.0
  Version table:
     2.0 500
        500 file:/srv/current ./ Packages
 *** 1.0 100
        100 /var/lib/dpkg/status
mail-transport-agent:
  Installed: (none)
  Candidate: (none)
  Version table:
libc6:i386:
  Version table:
     2.36-9 500
`;
  expect([...parseAptPolicy(text)]).toEqual([
    ["hello-fleet", ["2.0", "1.0"]],
    ["mail-transport-agent", []],
    ["libc6:i386", ["2.36-9"]],
  ]);
});

describe("rpm", () => {
  test.each([
    [
      "bash\tx86_64\t5.2.15-3\t8165000",
      [{ name: "bash", arch: "x86_64", version: "5.2.15-3", installedBytes: 8165000 }],
    ],
    ["vim\tx86_64\t2:9.0-1\t1", [{ name: "vim", arch: "x86_64", version: "2:9.0-1", installedBytes: 1 }]],
    ["zero\tnoarch\t0:1-1\t0", [{ name: "zero", arch: "noarch", version: "1-1", installedBytes: 0 }]],
    ["gpg-pubkey\t(none)\tabc-def\t0", []],
  ])("%j", (text, expected) => {
    expect(parseRpmList(`${text}\n`)).toEqual(expected);
  });

  test.each([
    ["1:2.0-3", { epoch: 1, version: "2.0", release: "3" }],
    ["2.0-3.fc40", { epoch: 0, version: "2.0", release: "3.fc40" }],
    ["2.0", { epoch: 0, version: "2.0", release: "" }],
    ["2.0~rc1^git-1", { epoch: 0, version: "2.0~rc1^git", release: "1" }],
  ])("version %s", (version, expected) => {
    expect(splitVersion(version)).toEqual(expected);
  });
});

describe("dnf", () => {
  const installed = [
    { name: "hello-fleet", arch: "noarch", version: "1.0-1" },
    { name: "kernel", arch: "x86_64", version: "6.1-1" },
    { name: "moved", arch: "noarch", version: "1-1" },
  ];

  test("repoquery, with the empty lines of dnf 4 and the zero epochs of dnf 5", () => {
    expect(parseDnfQuery("a\t1.0-1\tnoarch\n\nb\t0:2-1\tx86_64\n\n")).toEqual([
      { name: "a", version: "1.0-1", arch: "noarch" },
      { name: "b", version: "2-1", arch: "x86_64" },
    ]);
  });

  test("dnf 4: installs, wrapped rows, upgrades, removals and what is replaced", () => {
    const text = `Last metadata expiration check: 0:06:13 ago on Sun Nov 22 21:08:07 2026.
Dependencies resolved.
================================================================================
 Package                Architecture     Version          Repository       Size
================================================================================
Installing:
 kernel                 x86_64           6.2-1            hosts           6.7 k
     replacing  old-kernel.x86_64 5.0-1
Upgrading:
 hello-fleet            noarch           2.0-1            hosts           6.7 k
 moved                  x86_64           2-1              hosts           6.7 k
Installing dependencies:
 a-package-with-a-very-long-name-indeed
                        noarch           1:1.0-1          hosts           6.1 k
Removing:
 hello-leaf             noarch           1.0-1            @hosts             4${"  "}
Removing dependent packages:
 hello-parent           noarch           1.0-1            @hosts             4${"  "}
Skipping packages with broken dependencies:
 unlucky                noarch           1.0-1            hosts           6.1 k

Transaction Summary
================================================================================
Install  3 Packages
 Not a row of the table
`;
    expect(parseDnfTransaction(text, installed)).toEqual({
      removed: [
        { name: "old-kernel", version: "5.0-1", arches: ["x86_64"] },
        { name: "hello-fleet", version: "1.0-1", arches: ["noarch"] },
        { name: "moved", version: "1-1", arches: ["noarch"] },
        { name: "hello-leaf", version: "1.0-1", arches: ["noarch"] },
        { name: "hello-parent", version: "1.0-1", arches: ["noarch"] },
      ],
      added: [
        { name: "kernel", version: "6.2-1", arch: "x86_64" },
        { name: "hello-fleet", version: "2.0-1", arch: "noarch" },
        { name: "moved", version: "2-1", arch: "x86_64" },
        { name: "a-package-with-a-very-long-name-indeed", version: "1:1.0-1", arch: "noarch" },
      ],
    });
  });

  test("dnf 5 (simulated: no host here has it)", () => {
    const text = `Package      Arch   Version   Repository      Size
Upgrading:
 hello-fleet noarch 0:2.0-1   hosts      212.0   B
   replacing hello-fleet noarch 0:1.0-1 hosts 212.0 B
Installing dependencies:
 hello-leaf  noarch 0:1.0-1   hosts        4.0   B

Transaction Summary:
 Installing:         1 package
 Upgrading:          1 package
 Replacing:          1 package
`;
    const { removed, added } = parseDnfTransaction(text, installed);
    expect(new Set(removed.map(({ name, version }) => `${name} ${version}`))).toEqual(new Set(["hello-fleet 1.0-1"]));
    expect(added).toEqual([
      { name: "hello-fleet", version: "2.0-1", arch: "noarch" },
      { name: "hello-leaf", version: "1.0-1", arch: "noarch" },
    ]);
  });
});

describe("zypper", () => {
  test("list-updates", () => {
    const xml = `<?xml version='1.0'?><stream><update-status version="0.6"><update-list>
<update kind="package" name="hello-fleet" edition="2.0-1" arch="noarch" edition-old="1.0-1" ><summary>A &lt;b&gt;</summary></update>
<update kind="patch" name="openSUSE-2026-1" edition="1" arch="noarch" />
</update-list></update-status></stream>`;
    expect(parseZypperUpdates(xml)).toEqual([{ name: "hello-fleet", version: "2.0-1", arch: "noarch" }]);
  });

  test("install-summary: installs, upgrades, downgrades and removals; only of packages", () => {
    const xml = `<install-summary download-size="0"><to-install>
<solvable type="package" name="libstdc++6" edition="1.0-1" arch="x86_64" summary="A &quot;test&quot; > all">
<description>d</description></solvable>
<solvable type="patch" name="p" edition="1" arch="noarch"/>
</to-install><to-upgrade>
<solvable type="package" name="hello-fleet" edition="2.0-1" arch="noarch" edition-old="1.0-1" arch-old="x86_64"/>
</to-upgrade><to-downgrade><solvable type="package" name="d" edition="1-1" arch="noarch" edition-old="2-1"/></to-downgrade>
<to-remove><solvable type="package" name="r" edition="1-1" arch="noarch"/></to-remove></install-summary>`;
    expect(parseZypperSummary(xml)).toEqual({
      removed: [
        { name: "hello-fleet", version: "1.0-1", arches: ["x86_64"] },
        { name: "d", version: "2-1", arches: ["noarch"] },
        { name: "r", version: "1-1", arches: ["noarch"] },
      ],
      added: [
        { name: "libstdc++6", version: "1.0-1", arch: "x86_64" },
        { name: "hello-fleet", version: "2.0-1", arch: "noarch" },
        { name: "d", version: "1-1", arch: "noarch" },
      ],
    });
  });

  test.each([
    [
      "Loading repository data...\nS  | Repository | Name       | Version | Arch\n---+------------+------------+---------+-------\ni  | hosts      | hello-leaf | 1.0-1   | noarch\n",
      ["hello-leaf"],
    ],
    ["Loading repository data...\nNo packages found.\n", []],
  ])("packages: %j", (text, expected) => {
    expect(parseZypperTable(text)).toEqual(expected);
  });
});

describe("pacman", () => {
  test("upgrades", () => {
    expect(parsePacmanUpgrades("linux 6.1-1 -> 6.2-1 [ignored]\nhello 1.0-1 -> 1:2.0-1\n")).toEqual([
      { name: "linux", version: "6.2-1", arch: "", ignored: true },
      { name: "hello", version: "1:2.0-1", arch: "", ignored: false },
    ]);
  });

  test("targets among what else it says", () => {
    expect(parsePacmanTargets("resolving dependencies...\nhello-leaf\t1.0-1\nwarning: x is up to date\n")).toEqual([
      { name: "hello-leaf", version: "1.0-1" },
    ]);
  });

  test("replacements", () => {
    expect(
      parsePacmanReplacements(":: Starting full system upgrade...\n:: Replace old with extra/new? [Y/n] \n"),
    ).toEqual(["old"]);
  });

  test.each([
    [
      "%NAME%\nhello\n\n%VERSION%\n1.0-1\n\n%ARCH%\nany\n\n%SIZE%\n4096\n",
      { name: "hello", version: "1.0-1", arch: "any", installedBytes: 4096 },
    ],
    ["%NAME%\nhello\n\n%VERSION%\n1.0-1\n", { name: "hello", version: "1.0-1", arch: "" }],
    ["", undefined],
  ])("desc %j", (text, expected) => {
    expect(parsePacmanDescription(text)).toEqual(expected);
  });
});
