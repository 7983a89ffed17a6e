// Whose child a process is, as far as /proc still knows.
import { readFileSync } from "node:fs";

const mostAncestors = 8;

// A busy process has many events within it, and its ancestors hardly change.
const lookAgainMs = 1_000;

/** Names of ancestors, looked up at most once a second for each parent. */
export class Ancestors {
  #byParent = new Map<number, string[]>();
  #forgotAt = performance.now();

  /** From the parent up. Fewer when one of them is gone. */
  of(parentPid: number): string[] {
    if (performance.now() - this.#forgotAt > lookAgainMs) {
      this.#byParent.clear();
      this.#forgotAt = performance.now();
    }
    const names = this.#byParent.get(parentPid) ?? ancestorsOf(parentPid);
    this.#byParent.set(parentPid, names);
    return names;
  }
}

function ancestorsOf(parentPid: number): string[] {
  const names: string[] = [];
  for (let pid = parentPid; pid > 0 && names.length < mostAncestors; ) {
    const process = readProcess(pid);
    if (!process) break;
    names.push(process.name);
    pid = process.parentPid;
  }
  return names;
}

function readProcess(pid: number): { name: string; parentPid: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    return { name: stat.slice(stat.indexOf("(") + 1, end), parentPid: Number(stat.slice(end + 4).split(" ")[0]) };
  } catch {
    // It is gone, or hidden: what is above it cannot be known.
    return undefined;
  }
}
