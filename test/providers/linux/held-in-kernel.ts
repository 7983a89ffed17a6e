// What a process holds in the kernel by its descriptors, and what is left of it when the process is gone.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Numbers, by which bpftool knows them. */
export interface Held {
  readonly programs: readonly number[];
  readonly maps: readonly number[];
  /** Attachments that have a number of their own. */
  readonly links: readonly number[];
  /** Clocks of CPUs, which have none. */
  readonly clocks: number;
}

export function heldBy(pid: number): Held {
  const descriptors = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => readDescriptor(pid, fd));
  const idsOf = (field: string) => {
    const pattern = new RegExp(`^${field}:\\s*(\\d+)`, "m");
    return [...new Set(descriptors.flatMap(({ text }) => pattern.exec(text)?.[1] ?? []).map(Number))];
  };
  const clocks = descriptors.filter(({ target }) => target === "anon_inode:[perf_event]").length;
  return { programs: idsOf("prog_id"), maps: idsOf("map_id"), links: idsOf("link_id"), clocks };
}

function readDescriptor(pid: number, fd: string): { target: string; text: string }[] {
  try {
    const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
    return [{ target: readlinkSync(`/proc/${pid}/fd/${fd}`), text }];
  } catch (error) {
    // Closed since it was listed.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Programs, maps and links that are still there two seconds later: the kernel frees them when it has a moment. */
export async function leftOf(held: Held): Promise<string[]> {
  for (let tries = 0; tries < 100 && presentOf(held).length > 0; tries++) await sleep(20);
  return presentOf(held);
}

function presentOf({ programs, maps, links }: Held): string[] {
  return [...present("prog", programs), ...present("map", maps), ...present("link", links)];
}

function present(kind: "prog" | "map" | "link", ids: readonly number[]): string[] {
  const { stdout } = spawnSync("bpftool", [kind, "list", "--json"], { encoding: "utf8" });
  const all: { id: number }[] = JSON.parse(stdout);
  return all.filter(({ id }) => ids.includes(id)).map(({ id }) => `${kind} ${id}`);
}
