import { execFileSync } from "node:child_process";
import { describe, expect, it, test } from "vitest";
import {
  createDiskMeasurer,
  describeDisk,
  type FileSystemSize,
  readDisks,
} from "../../../../services/providers/linux/system/disks.js";
import type { Mount } from "../../../../services/providers/linux/system/mounts.js";

const size: FileSystemSize = { bsize: 4096n, blocks: 1000n, bfree: 400n, bavail: 350n };

function mount(mountPoint: string, fileSystem = "ext4"): Mount {
  return { device: mountPoint, root: "/", mountPoint, readOnly: false, fileSystem, source: "/dev/x" };
}

it("computes sizes and the share used as df does", () => {
  expect(describeDisk(mount("/"), size)).toMatchObject({
    totalBytes: 4096000n,
    availableBytes: 1433600n,
    usedRatio: 600 / 950,
  });
  expect(describeDisk(mount("/"), { ...size, bfree: 0n, bavail: 0n }).usedRatio).toBe(1);
});

it("agrees with df about the disks of this machine", async () => {
  const { disks, unavailable } = await readDisks(createDiskMeasurer());
  expect(unavailable).toEqual([]);
  expect(disks.map(({ mountPoint }) => mountPoint)).toContain("/");
  for (const disk of disks) {
    const output = execFileSync("df", ["-B1", "--output=size,avail,fstype", disk.mountPoint ?? ""], {
      encoding: "utf8",
    });
    const [total, available, type] = (output.trim().split("\n")[1] as string).trim().split(/\s+/);
    expect([String(disk.totalBytes), disk.fileSystem]).toEqual([total, type]);
    expect(Math.abs(Number(disk.availableBytes) - Number(available))).toBeLessThan(256 * 1024 * 1024);
  }
});

describe("a file system that does not answer (simulated)", () => {
  const never = () => new Promise<never>(() => {});
  const hanging = (points: string[]) => {
    const asked: string[] = [];
    const measure = createDiskMeasurer((point) => {
      asked.push(point);
      return points.includes(point) ? never() : Promise.resolve(size);
    });
    return { asked, measure };
  };

  it("costs its deadline, is named, and the others are answered", async () => {
    const { measure } = hanging(["/nfs"]);
    const started = Date.now();
    const { disks, unavailable } = await measure([mount("/nfs", "nfs4"), mount("/"), mount("/other", "cifs")]);
    expect(Date.now() - started).toBeLessThan(1800);
    expect(disks.map(({ mountPoint }) => mountPoint)).toEqual(["/", "/other"]);
    expect(unavailable).toEqual(["disk /nfs: no answer within 1000 ms"]);
  });

  it("is not asked again while it has not answered, and no third one is when two have not", async () => {
    const { asked, measure } = hanging(["/a", "/b", "/c"]);
    const mounts = [mount("/a", "nfs"), mount("/b", "fuse.sshfs"), mount("/c", "cifs"), mount("/")];
    const first = await measure(mounts);
    expect(first.disks.map(({ mountPoint }) => mountPoint)).toEqual(["/"]);
    expect(first.unavailable).toEqual([
      "disk /a: no answer within 1000 ms",
      "disk /b: no answer within 1000 ms",
      "disk /c: not asked, 2 file systems have not answered yet",
    ]);
    const started = Date.now();
    const second = await measure(mounts);
    expect(Date.now() - started).toBeLessThan(500);
    expect(second.disks.map(({ mountPoint }) => mountPoint)).toEqual(["/"]);
    expect(second.unavailable).toHaveLength(3);
    expect(asked.filter((point) => point !== "/")).toEqual(["/a", "/b"]);
  });

  it("counts again once it answers", async () => {
    let answer: (value: FileSystemSize) => void = () => {};
    const late = new Promise<FileSystemSize>((resolve) => {
      answer = resolve;
    });
    const measure = createDiskMeasurer(() => late);
    expect((await measure([mount("/nfs", "nfs")])).disks).toEqual([]);
    answer(size);
    await late;
    expect((await measure([mount("/nfs", "nfs")])).disks).toHaveLength(1);
  });
});

test.each([
  ["EACCES", "disk /x: permission denied"],
  ["EIO", "disk /x: EIO"],
  ["ESTALE", "disk /x: ESTALE"],
])("a file system that fails with %s is named", async (code, line) => {
  const measure = createDiskMeasurer(() => Promise.reject(Object.assign(new Error(code), { code })));
  expect(await measure([mount("/x")])).toEqual({ disks: [], unavailable: [line] });
});

it("leaves out file systems without blocks", async () => {
  const measure = createDiskMeasurer(async () => ({ bsize: 4096n, blocks: 0n, bfree: 0n, bavail: 0n }));
  expect(await measure([mount("/x")])).toEqual({ disks: [], unavailable: [] });
});
