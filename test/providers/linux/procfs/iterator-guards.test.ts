// When iterators are not to be used, and what is left of them when their process is killed.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { iteratorsAbsent } from "../real-processes.js";

describe.skipIf(iteratorsAbsent !== undefined)("the iterators", () => {
  it("refuse a pid namespace that is not the initial one, and say so", () => {
    const script = "try { require(process.argv[1]).openIterators(); } catch (error) { console.log(error.message); }";
    const inside = ["--pid", "--fork", "--mount-proc", process.execPath, "-e", script, builtAddonPath()];
    expect(execFileSync("unshare", inside, { encoding: "utf8" })).toBe(
      "use iterators outside the initial pid namespace, where pids are other ones: Operation not supported\n",
    );
  });

  it("leave no program, map or link when their process is killed in mid-walk", async () => {
    const child = spawn(process.execPath, ["-e", walkOnAndOn, builtAddonPath()], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      const held = await untilWalking(child.pid as number);
      expect(held.prog.length).toBe(3);
      expect(held.map.length).toBeGreaterThan(2);
      child.kill("SIGKILL");
      await once(child, "exit");
      // The kernel frees them when it has a moment.
      for (let tries = 0; leftOf(held).length > 0 && tries < 100; tries++) await sleep(20);
      expect(leftOf(held)).toEqual([]);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

// Ends by itself after 20 s should nobody kill it.
const walkOnAndOn = `
  const iterators = require(process.argv[1]).openIterators();
  const end = Date.now() + 20_000;
  console.log("open");
  (async () => { while (Date.now() < end) await iterators.readProcesses(); })();`;

type Kind = "prog" | "map" | "link";
type Held = Readonly<Record<Kind, readonly number[]>>;

// A link is there only while a walk runs.
async function untilWalking(pid: number): Promise<Held> {
  for (let tries = 0; tries < 500; tries++) {
    const held = heldBy(pid);
    if (held.link.length > 0) return held;
    await sleep(2);
  }
  throw new Error(`process ${pid} was not seen walking`);
}

function heldBy(pid: number): Held {
  const infos = readdirSync(`/proc/${pid}/fd`).map((fd) => readInfo(`/proc/${pid}/fdinfo/${fd}`));
  const idsOf = (pattern: RegExp) => [...new Set(infos.flatMap((text) => pattern.exec(text)?.[1] ?? []).map(Number))];
  const [prog, map, link] = [/^prog_id:\s*(\d+)/m, /^map_id:\s*(\d+)/m, /^link_id:\s*(\d+)/m].map(idsOf);
  return { prog: prog ?? [], map: map ?? [], link: link ?? [] };
}

// A descriptor of a walk may be closed before it is looked at.
function readInfo(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function leftOf(held: Held): string[] {
  return (["prog", "map", "link"] as const).flatMap((kind) => {
    const { stdout } = spawnSync("bpftool", [kind, "list", "--json"], { encoding: "utf8" });
    const all: { id: number }[] = JSON.parse(stdout);
    return all.filter(({ id }) => held[kind].includes(id)).map(({ id }) => `${kind} ${id}`);
  });
}
