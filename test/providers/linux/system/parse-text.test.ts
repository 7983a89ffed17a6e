import { describe, expect, it, test } from "vitest";
import { countCpus, cpuUsageBetween, parseCpuTimes } from "../../../../services/providers/linux/system/cpu-usage.js";
import { parseLoadAverage } from "../../../../services/providers/linux/system/get-system-snapshot.js";
import { cleanDmiText, parseCpuModel } from "../../../../services/providers/linux/system/hardware.js";
import { parseMemory } from "../../../../services/providers/linux/system/memory.js";
import { parseOsRelease } from "../../../../services/providers/linux/system/os-release.js";

describe("/proc/stat", () => {
  const text =
    "cpu  100 20 30 400 50 6 7 8 9 10\ncpu0 50 10 15 200 25 3 3 4 4 5\ncpu1 50 10 15 200 25 3 4 4 5 5\ncpu7 0 0 0 0 0 0 0 0 0 0\nintr 5\n";

  it("has the times of all CPUs together", () => {
    expect(parseCpuTimes(text)).toEqual({ user: 120, system: 43, idle: 400, iowait: 50, steal: 8 });
  });
  it("has a line for each CPU that is online", () => expect(countCpus(text)).toBe(3));
  it("may come from an old kernel without iowait and steal", () => {
    expect(parseCpuTimes("cpu 1 2 3 4\n")).toEqual({ user: 3, system: 3, idle: 4, iowait: 0, steal: 0 });
  });
  it("is refused without a cpu line", () => expect(() => parseCpuTimes("intr 1\n")).toThrow("no cpu line"));
});

describe("CPU use between two readings", () => {
  const before = { user: 100, system: 100, idle: 100, iowait: 100, steal: 100 };
  const idle = { utilization: 0, user: 0, system: 0, iowait: 0, steal: 0 };
  test.each([
    [
      { user: 110, system: 105, idle: 170, iowait: 110, steal: 105 },
      { utilization: 0.2, user: 0.1, system: 0.05, iowait: 0.1, steal: 0.05 },
    ],
    [
      { ...before, user: 140 },
      { ...idle, utilization: 1, user: 1 },
    ],
    [{ ...before, idle: 140, iowait: 60 }, idle],
    [before, idle],
  ])("%j", (after, usage) => expect(cpuUsageBetween(before, after)).toEqual(usage));
});

describe("/proc/meminfo", () => {
  it("gives bytes, swap among them", () => {
    const text =
      "MemTotal:        8000 kB\nMemFree:         1000 kB\nMemAvailable:    6000 kB\nSwapTotal:       4000 kB\nSwapFree:        3000 kB\nHugePages_Total:       0\n";
    expect(parseMemory(text)).toEqual({
      totalBytes: 8192000n,
      availableBytes: 6144000n,
      usedRatio: 0.25,
      swapTotalBytes: 4096000n,
      swapUsedBytes: 1024000n,
    });
  });
  it("may come from an old kernel without MemAvailable", () => {
    const text = "MemTotal: 100 kB\nMemFree: 20 kB\nBuffers: 5 kB\nCached: 25 kB\n";
    expect(parseMemory(text)).toMatchObject({ availableBytes: 51200n, usedRatio: 0.5, swapTotalBytes: 0n });
  });
});

test.each([
  ["0.42 1.5 2.25 1/123 4567\n", { one: 0.42, five: 1.5, fifteen: 2.25 }],
  ["128.00 64.10 32.05 9/1000 1\n", { one: 128, five: 64.1, fifteen: 32.05 }],
])("/proc/loadavg %j", (text, load) => expect(parseLoadAverage(text)).toEqual(load));

describe("os-release of", () => {
  test.each([
    [
      "Debian",
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
      "debian",
      [],
      "12",
      "Debian GNU/Linux 12 (bookworm)",
    ],
    [
      "Ubuntu",
      'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
      "ubuntu",
      ["debian"],
      "24.04",
      "Ubuntu 24.04.1 LTS",
    ],
    [
      "Rocky",
      'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n',
      "rocky",
      ["rhel", "centos", "fedora"],
      "9.4",
      "Rocky Linux 9.4 (Blue Onyx)",
    ],
    [
      "openSUSE",
      "ID='opensuse-leap'\nID_LIKE='suse opensuse'\nVERSION_ID='15.6'\nPRETTY_NAME='openSUSE Leap 15.6'\n",
      "opensuse-leap",
      ["suse", "opensuse"],
      "15.6",
      "openSUSE Leap 15.6",
    ],
    [
      "Arch, which has no version",
      'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n',
      "arch",
      [],
      "rolling",
      "Arch Linux",
    ],
    ["nobody", "", "linux", [], "", "Linux"],
    ["an odd one", '# comment\nID=x\\y\nNAME="a \\"quoted\\" \\$name"\nnonsense\n', "xy", [], "", 'a "quoted" $name'],
  ])("%s", (_, text, id, idLike, versionId, prettyName) => {
    expect(parseOsRelease(text)).toEqual({ id, idLike, versionId, prettyName });
  });
});

describe("the CPU model of", () => {
  test.each([
    [
      "x86",
      "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n",
      "AMD EPYC",
    ],
    [
      "arm64",
      "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n",
      "ARM implementer 0x41 part 0xd0c",
    ],
    ["POWER", "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 2166MHz\n", "POWER9, altivec supported"],
    ["RISC-V", "processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc\nuarch\t\t: sifive,u74-mc\n", "sifive,u74-mc"],
    ["nothing known", "processor\t: 0\n", ""],
  ])("%s", (_, text, model) => expect(parseCpuModel(text)).toBe(model));
});

test.each([
  ["Dell Inc.\n", "Dell Inc."],
  ["To Be Filled By O.E.M.\n", ""],
  ["Default string\n", ""],
  ["", ""],
])("the DMI text %j is %j", (text, clean) => expect(cleanDmiText(text)).toBe(clean));
