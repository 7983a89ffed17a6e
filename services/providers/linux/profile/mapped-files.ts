// The files whose code runs, each opened once and known again by device and inode: names can then be looked up when the
// process has ended, and when the file was replaced meanwhile.
import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { isDenied, isVanished } from "../procfs/proc-error.js";
import type { CodeRegion } from "./parse-maps.js";

/** A file with the names found in it so far. */
export interface MappedFile {
  readonly path: string;
  readonly handle: FileHandle;
  /** By offset; empty where there is none. */
  readonly names: Map<bigint, string>;
}

// A descriptor each; beyond these, frames stay without a name.
const mostFiles = 512;

export class MappedFiles {
  readonly #files = new Map<string, MappedFile>();

  /** The file of a region; undefined when it has none, or it cannot be opened. */
  async find(pid: number, region: CodeRegion): Promise<MappedFile | undefined> {
    if (region.inode === 0n) return undefined;
    const identity = `${region.device}:${region.inode}`;
    const known = this.#files.get(identity);
    if (known || this.#files.size >= mostFiles) return known;
    const handle = await openMapped(pid, region);
    if (!handle) return undefined;
    const file = { path: region.path.replace(/ \(deleted\)$/, ""), handle, names: new Map() };
    this.#files.set(identity, file);
    return file;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ handle }) => handle.close()));
    this.#files.clear();
  }
}

// The mapping itself first, which is the very file even when it was deleted; it takes a right that the path does not.
async function openMapped(pid: number, region: CodeRegion): Promise<FileHandle | undefined> {
  const link = `/proc/${pid}/map_files/${region.start.toString(16)}-${region.end.toString(16)}`;
  return (
    (await openRegularFile(link)) ??
    (await openRegularFile(`/proc/${pid}/root${region.path}`, (device, inode) => {
      return inode === region.inode && device === region.device;
    }))
  );
}

/** A regular file to read, when there is one that `accepts`; never waits for a pipe or wakes a device. */
export async function openRegularFile(
  path: string,
  accepts: (device: string, inode: bigint, owner: number) => boolean = () => true,
  flags = 0,
): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    if (!(await stat(path)).isFile()) return undefined;
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
    const found = await handle.stat({ bigint: true });
    if (found.isFile() && accepts(deviceName(found.dev), found.ino, Number(found.uid))) return handle;
  } catch (error) {
    // ELOOP: a link where none may be.
    const code = (error as NodeJS.ErrnoException).code;
    if (!isVanished(error) && !isDenied(error) && code !== "ELOOP" && code !== "ENOTDIR") throw error;
  }
  await handle?.close();
  return undefined;
}

function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [major, minor].map((part) => part.toString(16).padStart(2, "0")).join(":");
}
