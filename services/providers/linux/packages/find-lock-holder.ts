// Which process has a lock file open.
import { readdir, readlink } from "node:fs/promises";
import { isDenied, isVanished } from "../procfs/proc-error.js";

/** The first process found that has one of these files open. */
export async function findLockHolder(paths: readonly string[]): Promise<{ path: string; pid: number } | undefined> {
  const wanted = new Set(paths);
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    for (const path of await openFiles(pid)) if (wanted.has(path)) return { path, pid };
  }
  return undefined;
}

async function openFiles(pid: number): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  try {
    const descriptors = await readdir(directory);
    return await Promise.all(descriptors.map((descriptor) => linkTarget(`${directory}/${descriptor}`)));
  } catch (error) {
    if (isVanished(error) || isDenied(error)) return [];
    throw error;
  }
}

async function linkTarget(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isVanished(error) || isDenied(error)) return "";
    throw error;
  }
}
