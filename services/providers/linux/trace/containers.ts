// Which container a control group belongs to, by the names that runtimes give their groups, and where the group is.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";
// docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope, /docker/ID, /kubepods/…/ID.
const hexId = /(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?$/;
// lxc.payload.NAME, machine-NAME.scope of systemd-nspawn.
const namedId = /^(?:lxc\.payload\.|machine-)(.+?)(?:\.scope)?$/;
const walkAgainMs = 1_000;

interface Group {
  /** Below the root of control groups: "/system.slice/cron.service". */
  readonly path: string;
  readonly container: string;
}

/** Ids of containers and paths of groups by cgroup id, looked up in the file system of control groups when one is new. */
export class Containers {
  #byGroup = new Map<bigint, Group>();
  #walkedAt = Number.NEGATIVE_INFINITY;

  /** Empty when the group is of no container, or gone. */
  idOf(cgroup: bigint): string {
    return this.#find(cgroup)?.container ?? "";
  }

  /** Undefined when the group is gone. */
  pathOf(cgroup: bigint): string | undefined {
    return this.#find(cgroup)?.path;
  }

  #find(cgroup: bigint): Group | undefined {
    if (!this.#byGroup.has(cgroup) && performance.now() - this.#walkedAt > walkAgainMs) this.#walk();
    return this.#byGroup.get(cgroup);
  }

  #walk(): void {
    this.#byGroup = new Map();
    this.#walkedAt = performance.now();
    this.#enter(root, "");
  }

  // What lies below a container's group is of the container too.
  #enter(directory: string, container: string): void {
    try {
      const path = directory.slice(root.length) || "/";
      this.#byGroup.set(statSync(directory, { bigint: true }).ino, { path, container });
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        if (entry.isDirectory()) this.#enter(join(directory, entry.name), containerOf(entry.name) ?? container);
      }
    } catch (error) {
      // A group may go away at any time; a host may have none of this file system.
      if (!["ENOENT", "ENODEV", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

/** The container that a control group of this name is; undefined when it is none's. */
export function containerOf(name: string): string | undefined {
  return hexId.exec(name)?.[1] ?? namedId.exec(name)?.[1];
}
