// Text of /proc/PID/maps: the files whose code a process has in memory.

/** Code of a file, or of the kernel's own ("[vdso]"). */
export interface CodeRegion {
  readonly start: bigint;
  readonly end: bigint;
  /** In the file, of its start. */
  readonly offset: bigint;
  /** "08:01", as the kernel writes it. */
  readonly device: string;
  /** 0 when it is of no file. */
  readonly inode: bigint;
  /** In the process's mount namespace. */
  readonly path: string;
}

const line = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) +(.+)$/;
const hex = (digits: string | undefined) => BigInt(`0x${digits}`);

/** Regions that can run and have a name; compiled code of a runtime has none. */
export function parseMaps(text: string): CodeRegion[] {
  return text.split("\n").flatMap((each) => {
    const [, start, end, offset, device = "", inode = "0", path = ""] = line.exec(each) ?? [];
    if (start === undefined || path.startsWith("[anon:") || path.startsWith("//anon")) return [];
    return { start: hex(start), end: hex(end), offset: hex(offset), device, inode: BigInt(inode), path };
  });
}
