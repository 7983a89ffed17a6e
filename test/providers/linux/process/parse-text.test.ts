import { describe, expect, it, test } from "vitest";
import { parseCgroup } from "../../../../services/providers/linux/process/parse-cgroup.js";
import { parseMaps, parseProportionalSetSize } from "../../../../services/providers/linux/process/parse-maps.js";

describe("/proc/PID/maps", () => {
  test.each([
    [
      "55d0c0a2b000-55d0c0a59000 r--p 00000000 fe:00 1835036                    /usr/bin/bash",
      { start: 0x55d0c0a2b000n, end: 0x55d0c0a59000n, permissions: "r--p", offset: 0n, path: "/usr/bin/bash" },
    ],
    [
      "7ffc1e5f2000-7ffc1e613000 rw-p 00000000 00:00 0                          [stack]",
      { start: 0x7ffc1e5f2000n, end: 0x7ffc1e613000n, permissions: "rw-p", offset: 0n, path: "[stack]" },
    ],
    [
      "7f2a4c000000-7f2a4c021000 rw-p 00000000 00:00 0 ",
      { start: 0x7f2a4c000000n, end: 0x7f2a4c021000n, permissions: "rw-p", offset: 0n, path: "" },
    ],
    [
      "7f0000000000-7f0000001000 r-xs 0000a000 00:01 2049                       /tmp/with space (deleted)",
      {
        start: 0x7f0000000000n,
        end: 0x7f0000001000n,
        permissions: "r-xs",
        offset: 0xa000n,
        path: "/tmp/with space (deleted)",
      },
    ],
    [
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
      { start: 0xffffffffff600000n, end: 0xffffffffff601000n, permissions: "--xp", offset: 0n, path: "[vsyscall]" },
    ],
  ])("%s", (line, map) => {
    expect(parseMaps(`${line}\n`, 10)).toEqual({ maps: [map], count: 1 });
  });

  it("counts what the limit leaves out", () => {
    const line = "1000-2000 r--p 00000000 00:00 0 \n";
    expect(parseMaps(line.repeat(5), 2)).toMatchObject({ maps: [{ start: 0x1000n }, { end: 0x2000n }], count: 5 });
    expect(parseMaps("", 2)).toEqual({ maps: [], count: 0 });
  });

  it("refuses text of another form", () => {
    expect(() => parseMaps("nonsense\n", 2)).toThrow('unknown form: "nonsense"');
  });
});

describe("/proc/PID/smaps_rollup", () => {
  const rollup = `55d0c0a2b000-7ffc1e6f2000 ---p 00000000 00:00 0                          [rollup]
Rss:                3892 kB
Pss:                 741 kB
Pss_Dirty:           356 kB
SwapPss:               0 kB
`;
  it("has the proportional set size", () => expect(parseProportionalSetSize(rollup)).toBe(741n * 1024n));
  it("is empty for a process without memory", () => expect(parseProportionalSetSize("")).toBe(0n));
});

describe("/proc/PID/cgroup", () => {
  test.each([
    ["0::/system.slice/nginx.service\n", "/system.slice/nginx.service"],
    ["0::/\n", "/"],
    ["12:memory:/a\n1:name=systemd:/user.slice/user-0.slice\n0::/user.slice\n", "/user.slice/user-0.slice"],
    ["4:cpu,cpuacct:/a\n", ""],
    ["0::/a:b/c d\n", "/a:b/c d"],
    ["", ""],
  ])("%j is %j", (text, path) => expect(parseCgroup(text)).toBe(path));
});
