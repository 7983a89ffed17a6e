// Disk space that files take.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { mapLimited } from "../../../shared/map-limited.js";

const blockBytes = 512;
const readsAtOnce = 32;

/** Bytes that these files take on disk; a file with two names counts once, one that is not there counts nothing. */
export async function measureFiles(paths: readonly string[]): Promise<number> {
  const seen = new Set<string>();
  const sizes = await mapLimited(paths, readsAtOnce, async (path) => {
    const stats = await statIfPresent(path);
    if (!stats || stats.isDirectory()) return 0;
    const identity = `${stats.dev}:${stats.ino}`;
    if (seen.has(identity)) return 0;
    seen.add(identity);
    return stats.blocks * blockBytes;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Files below the directories whose path matches; directories that are not there have none. */
export async function findFiles(directories: readonly string[], pattern: RegExp): Promise<string[]> {
  const found = await Promise.all(directories.map((directory) => listFiles(directory)));
  return found.flat().filter((path) => pattern.test(path));
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true, recursive: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function statIfPresent(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}
