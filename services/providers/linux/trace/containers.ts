// Which container a control group belongs to, by the names that runtimes give their groups.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";
// docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope, /docker/ID, /kubepods/…/ID.
const hexId = /(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?$/;
// lxc.payload.NAME, machine-NAME.scope of systemd-nspawn.
const namedId = /^(?:lxc\.payload\.|machine-)(.+?)(?:\.scope)?$/;
const walkAgainMs = 1_000;

/** Ids of containers by cgroup id, looked up in the file system of control groups when one is new. */
export class Containers {
  #byGroup = new Map<bigint, string>();
  #walkedAt = Number.NEGATIVE_INFINITY;

  /** Empty when the group is of no container, or gone. */
  idOf(cgroup: bigint): string {
    if (!this.#byGroup.has(cgroup) && performance.now() - this.#walkedAt > walkAgainMs) this.#walk();
    return this.#byGroup.get(cgroup) ?? "";
  }

  #walk(): void {
    this.#byGroup = new Map();
    this.#walkedAt = performance.now();
    this.#enter(root, "");
  }

  // What lies below a container's group is of the container too.
  #enter(directory: string, container: string): void {
    try {
      this.#byGroup.set(statSync(directory, { bigint: true }).ino, container);
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
