// Text of /proc/self/mountinfo.

/** One mount, as proc_pid_mountinfo(5) describes it. */
export interface Mount {
  /** "major:minor" of the file system. */
  readonly device: string;
  /** Which folder of the file system is mounted; "/" unless it is a bind mount or a subvolume. */
  readonly root: string;
  readonly mountPoint: string;
  readonly readOnly: boolean;
  readonly fileSystem: string;
  readonly source: string;
}

/** Parses mountinfo, in the order of mounting. */
export function parseMountInfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

function parseLine(line: string): Mount {
  const fields = line.split(" ");
  // Optional fields stand between the sixth and a lone "-".
  const separator = fields.indexOf("-", 6);
  const [, , device, root, mountPoint, options] = fields;
  const [fileSystem, source, superOptions] = fields.slice(separator + 1);
  if (separator < 0 || !device || !root || !mountPoint || !fileSystem) {
    throw new Error(`/proc/self/mountinfo has a line of unknown form: ${JSON.stringify(line)}`);
  }
  const isReadOnly = (list: string | undefined) => (list ?? "").split(",").includes("ro");
  return {
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    readOnly: isReadOnly(options) || isReadOnly(superOptions),
    fileSystem: unescapeOctal(fileSystem),
    source: unescapeOctal(source ?? ""),
  };
}

/** "\040" → " ": the kernel writes space, tab, line feed, backslash and # so. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

// Kernel interfaces, and images that are full by nature.
const pseudoFileSystems = new Set(
  (
    "autofs binder binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fuse.gvfsd-fuse fuse.lxcfs " +
    "fuse.portal fusectl hugetlbfs mqueue nsfs proc pstore ramfs resctrl rpc_pipefs securityfs selinuxfs sysfs tracefs " +
    "erofs iso9660 squashfs"
  ).split(" "),
);

/** The mounts that hold data, one for each file system, by mount point. */
export function selectDataMounts(mounts: readonly Mount[]): Mount[] {
  // A later mount on the same point hides the earlier one.
  const visible = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
  const chosen = new Map<string, Mount>();
  for (const mount of visible.values()) {
    if (!holdsData(mount)) continue;
    const other = chosen.get(mount.device);
    if (!other || isBetter(mount, other)) chosen.set(mount.device, mount);
  }
  return [...chosen.values()].sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

function holdsData({ fileSystem, mountPoint }: Mount): boolean {
  if (pseudoFileSystems.has(fileSystem)) return false;
  // Memory of the system's own; /tmp and what an operator mounted elsewhere can fill up and count.
  if (fileSystem === "tmpfs") return !/^\/(dev|proc|run|sys)(\/|$)/.test(mountPoint);
  // An overlay reports the disk below it; only as the root is it all there is to see.
  return fileSystem !== "overlay" || mountPoint === "/";
}

/** Of two mounts of one file system the whole one names it better, then the one nearer to the root. */
function isBetter(candidate: Mount, other: Mount): boolean {
  if ((candidate.root === "/") !== (other.root === "/")) return candidate.root === "/";
  return candidate.mountPoint.length < other.mountPoint.length;
}
