import { describe, expect, it, test } from "vitest";
import { parseMountInfo, selectDataMounts, unescapeOctal } from "../../../../services/providers/linux/system/mounts.js";

describe("a line of mountinfo", () => {
  test.each([
    [
      "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
      { device: "254:0", root: "/", mountPoint: "/", readOnly: false, fileSystem: "ext4", source: "/dev/vda" },
    ],
    [
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue",
      { device: "98:0", root: "/mnt1", mountPoint: "/mnt2", readOnly: false, fileSystem: "ext3", source: "/dev/root" },
    ],
    [
      "50 27 0:44 / /mnt/my\\040disk\\134x ro,relatime - nfs4 server:/a\\040b rw,vers=4.2",
      { mountPoint: "/mnt/my disk\\x", readOnly: true, fileSystem: "nfs4", source: "server:/a b" },
    ],
    ["51 27 8:1 / /boot rw - vfat /dev/sda1 ro", { readOnly: true, fileSystem: "vfat" }],
    ["52 27 0:50 / /mnt/empty rw - tmpfs  rw", { source: "" }],
  ])("%s", (line, mount) => expect(parseMountInfo(`${line}\n`)).toEqual([expect.objectContaining(mount)]));

  test.each(["nonsense", "27 1 254:0 / / rw,relatime ext4 /dev/vda rw"])("%s is refused", (line) => {
    expect(() => parseMountInfo(`${line}\n`)).toThrow("unknown form");
  });
});

test.each([
  ["\\040\\011\\012\\134\\043", " \t\n\\#"],
  ["\\134040", "\\040"],
  ["plain", "plain"],
  ["\\9\\04", "\\9\\04"],
])("%s is unescaped to %j", (text, plain) => expect(unescapeOctal(text)).toBe(plain));

describe("the mounts that hold data", () => {
  const select = (...lines: string[]) =>
    selectDataMounts(parseMountInfo(lines.join("\n"))).map((mount) => mount.mountPoint);
  const root = "1 0 254:0 / / rw - ext4 /dev/vda rw";

  test.each<[string, string[], string[]]>([
    [
      "pseudo file systems",
      ["2 1 0:5 / /proc rw - proc proc rw", "3 1 0:6 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"],
      ["/"],
    ],
    [
      "images that are always full",
      ["2 1 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro", "3 1 11:0 / /media/cd ro - iso9660 /dev/sr0 ro"],
      ["/"],
    ],
    [
      "the system's own memory",
      [
        "2 1 0:9 / /run rw - tmpfs tmpfs rw",
        "3 1 0:10 / /dev/shm rw - tmpfs tmpfs rw",
        "4 1 0:11 / /run/user/0 rw - tmpfs tmpfs rw",
      ],
      ["/"],
    ],
    ["containers' overlays", ["2 1 0:70 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw"], ["/"]],
    ["a trigger of the automounter", ["2 1 0:71 / /net rw - autofs systemd-1 rw"], ["/"]],
  ])("are not %s", (_, lines, points) => expect(select(root, ...lines)).toEqual(points));

  it("include a tmpfs that an operator or user fills", () => {
    expect(select(root, "2 1 0:9 / /tmp rw - tmpfs tmpfs rw", "3 1 0:10 / /srv/scratch rw - tmpfs x rw")).toEqual([
      "/",
      "/srv/scratch",
      "/tmp",
    ]);
  });

  it("include an overlay as the root", () => expect(select("1 0 0:30 / / rw - overlay overlay rw")).toEqual(["/"]));

  it("are one for each file system: the whole before its parts, the shorter before the longer path", () => {
    expect(
      select(
        "1 0 254:0 /sub /bind-of-part rw - ext4 /dev/vda rw",
        "2 0 254:0 / /long/way/down rw - ext4 /dev/vda rw",
        "3 0 254:0 / / rw - ext4 /dev/vda rw",
        "4 0 254:0 / /x rw - ext4 /dev/vda rw",
        "5 0 0:33 /@home /home rw - btrfs /dev/vdb rw",
        "6 0 0:33 /@snapshots /.snapshots rw - btrfs /dev/vdb rw",
      ),
    ).toEqual(["/", "/home"]);
  });

  it("are those that can be seen: a later mount hides an earlier one on the same point", () => {
    const mounts = parseMountInfo(
      `${root}\n2 1 8:1 / /data rw - ext4 /dev/sda1 rw\n3 1 8:2 / /data rw - xfs /dev/sdb1 rw\n`,
    );
    expect(selectDataMounts(mounts).map(({ source }) => source)).toEqual(["/dev/vda", "/dev/sdb1"]);
  });
});
