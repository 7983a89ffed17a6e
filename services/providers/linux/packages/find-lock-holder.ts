// Which process holds a lock file: dnf and zypper write their pid into it, apt and pacman keep it open.
import { existsSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { isDenied, isVanished } from "../procfs/proc-error.js";

/** A lock and who holds it. */
export interface LockHolder {
  readonly path: string;
  readonly pid: number;
}

/** The first process found that holds one of these files; undefined when nobody does any more. */
export async function findLockHolder(paths: readonly string[]): Promise<LockHolder | undefined> {
  return (await findNamed(paths)) ?? (await findOpener(paths));
}

async function findNamed(paths: readonly string[]): Promise<LockHolder | undefined> {
  for (const path of paths.filter((name) => name.endsWith(".pid") && existsSync(name))) {
    const pid = Number(await readFile(path, "utf8"));
    if (pid > 0 && existsSync(`/proc/${pid}`)) return { path, pid };
  }
  return undefined;
}

async function findOpener(paths: readonly string[]): Promise<LockHolder | undefined> {
  const wanted = new Set(paths);
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const path = (await openFiles(pid)).find((file) => wanted.has(file));
    if (path) return { path, pid };
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
