// How full the mounted file systems are. A file system that does not answer is named and costs no more than its deadline.
import { readFile, statfs } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DiskSchema } from "../../../gen/systemsmanager/telemetry/v1/system_pb.js";
import { untilAborted } from "../../../shared/until-aborted.js";
import { describeErrno } from "../procfs/proc-error.js";
import { type Mount, parseMountInfo, selectDataMounts } from "./mounts.js";

/** Sizes in blocks, as statfs(2) gives them. */
export interface FileSystemSize {
  readonly bsize: bigint;
  readonly blocks: bigint;
  readonly bfree: bigint;
  readonly bavail: bigint;
}

/** Asks a mounted file system for its size. */
export type MeasureFileSystem = (mountPoint: string) => Promise<FileSystemSize>;

/** Disks, and what could not be read. */
export interface DiskUsage {
  readonly disks: MessageInitShape<typeof DiskSchema>[];
  readonly unavailable: string[];
}

const deadlineMs = 1000;
// Each unanswered statfs keeps one of libuv's four threads until the server is back. Two at most leave the others to work.
const maxUnanswered = 2;

/** Reads the disks of the daemon's mount namespace. */
export async function readDisks(measurer: DiskMeasurer): Promise<DiskUsage> {
  const mounts = selectDataMounts(parseMountInfo(await readFile("/proc/self/mountinfo", "utf8")));
  return measurer(mounts);
}

/** Measures mounts; remembers between calls which ones have not answered yet. */
export type DiskMeasurer = (mounts: readonly Mount[]) => Promise<DiskUsage>;

/** Makes a measurer with its own memory. */
export function createDiskMeasurer(measure: MeasureFileSystem = measureWithStatfs): DiskMeasurer {
  const unanswered = new Set<string>();
  const ask = (mountPoint: string) => {
    unanswered.add(mountPoint);
    return measure(mountPoint).finally(() => unanswered.delete(mountPoint));
  };
  return async (mounts) => {
    const disks: MessageInitShape<typeof DiskSchema>[] = [];
    const unavailable: string[] = [];
    const measureOne = async (mount: Mount) => {
      try {
        const size = await untilAborted(ask(mount.mountPoint), AbortSignal.timeout(deadlineMs));
        if (size.blocks > 0n) disks.push(describeDisk(mount, size));
      } catch (error) {
        unavailable.push(`disk ${mount.mountPoint}: ${describeFailure(error)}`);
      }
    };
    const isRemote = (mount: Mount) => remoteFileSystem.test(mount.fileSystem);
    await Promise.all(mounts.filter((mount) => !isRemote(mount)).map(measureOne));
    for (const mount of mounts.filter(isRemote)) {
      if (unanswered.size < maxUnanswered && !unanswered.has(mount.mountPoint)) await measureOne(mount);
      else
        unavailable.push(`disk ${mount.mountPoint}: not asked, ${unanswered.size} file systems have not answered yet`);
    }
    return { disks: disks.sort(byMountPoint), unavailable: unavailable.sort() };
  };
}

const remoteFileSystem = /^(nfs|cifs|smb|9p|afs|ceph|coda|davfs|fuse|gfs|glusterfs|lustre|ncp|ocfs|orangefs|virtiofs)/;

function measureWithStatfs(mountPoint: string): Promise<FileSystemSize> {
  return statfs(mountPoint, { bigint: true });
}

function describeFailure(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return `no answer within ${deadlineMs} ms`;
  return describeErrno(error);
}

function byMountPoint(a: MessageInitShape<typeof DiskSchema>, b: MessageInitShape<typeof DiskSchema>): number {
  return (a.mountPoint ?? "") < (b.mountPoint ?? "") ? -1 : 1;
}

/** The share used is df's: of what unprivileged users can have. */
export function describeDisk(mount: Mount, size: FileSystemSize): MessageInitShape<typeof DiskSchema> {
  const used = size.blocks - size.bfree;
  const reachable = used + size.bavail;
  return {
    mountPoint: mount.mountPoint,
    device: mount.source,
    fileSystem: mount.fileSystem,
    totalBytes: size.blocks * size.bsize,
    availableBytes: size.bavail * size.bsize,
    usedRatio: reachable === 0n ? 0 : Number(used) / Number(reachable),
    readOnly: mount.readOnly,
  };
}
