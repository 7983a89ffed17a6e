// What profiled processes have in memory, learned while they live: a process that ends in mid-profile keeps its names.
import { constants, type FileHandle, readFile } from "node:fs/promises";
import { parseStat } from "../procfs/parse-stat.js";
import { isDenied, isVanished } from "../procfs/proc-error.js";
import type { ProfiledProcess } from "./decode-profile.js";
import { type MappedFile, MappedFiles, openRegularFile } from "./mapped-files.js";
import { type CodeRegion, parseMaps } from "./parse-maps.js";

export interface MappedRegion extends CodeRegion {
  readonly file: MappedFile | undefined;
}

/** One program of one process. */
export interface AddressSpace {
  /** The newest last; one that was unmapped stays. */
  readonly regions: Map<string, MappedRegion>;
  /** Of a runtime that compiles as it runs and says so. */
  perfMap: FileHandle | undefined;
}

// Of each second, as the kernel tells user space.
const ticksPerSecond = 100n;

export class AddressSpaces {
  readonly #spaces = new Map<string, AddressSpace>();
  readonly #files = new MappedFiles();

  /** Undefined when the process ended before it could be looked at. */
  get(process: ProfiledProcess): AddressSpace | undefined {
    return this.#spaces.get(keyOf(process));
  }

  /** Looks at the processes that are new, or at all of them again. */
  async learn(processes: readonly ProfiledProcess[], again: boolean): Promise<void> {
    for (const process of processes) {
      if (again || !this.get(process)) await this.#learnOne(process);
    }
  }

  async close(): Promise<void> {
    await this.#files.close();
    await Promise.all([...this.#spaces.values()].map(({ perfMap }) => perfMap?.close()));
    this.#spaces.clear();
  }

  async #learnOne(process: ProfiledProcess): Promise<void> {
    const text = await readOrGone(`/proc/${process.pid}/maps`);
    // Its pid may be another's by now, or it may be another program: both show after the read.
    if (text === undefined || !(await isStill(process))) return;
    const space = this.get(process) ?? { regions: new Map(), perfMap: undefined };
    for (const region of parseMaps(text)) {
      const key = `${region.start}-${region.end}-${region.offset}-${region.inode}`;
      const known = space.regions.get(key);
      space.regions.delete(key);
      space.regions.set(key, known ?? { ...region, file: await this.#files.find(process.pid, region) });
    }
    space.perfMap ??= await openPerfMap(process.pid);
    this.#spaces.set(keyOf(process), space);
  }
}

/** One string for each program of each process. */
export function keyOf({ pid, startNs, comm }: ProfiledProcess): string {
  return `${pid} ${startNs} ${comm}`;
}

async function isStill({ pid, startNs, comm }: ProfiledProcess): Promise<boolean> {
  const stat = await readOrGone(`/proc/${pid}/stat`);
  const now = stat === undefined ? undefined : parseStat(Buffer.from(stat));
  return (
    now !== undefined && now.name === comm && BigInt(now.startTicks) === (startNs * ticksPerSecond) / 1_000_000_000n
  );
}

// In the process's own /tmp and under the pid that it knows itself by. It must be the process's own file: anybody may
// write to /tmp.
async function openPerfMap(pid: number): Promise<FileHandle | undefined> {
  const status = await readOrGone(`/proc/${pid}/status`);
  const innerPid = /^NSpid:.*\t(\d+)$/m.exec(status ?? "")?.[1];
  const user = /^Uid:\t\d+\t(\d+)/m.exec(status ?? "")?.[1];
  if (innerPid === undefined) return undefined;
  const path = `/proc/${pid}/root/tmp/perf-${innerPid}.map`;
  return openRegularFile(path, (_device, _inode, owner) => owner === Number(user), constants.O_NOFOLLOW);
}

async function readOrGone(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isVanished(error) || isDenied(error)) return undefined;
    throw error;
  }
}
