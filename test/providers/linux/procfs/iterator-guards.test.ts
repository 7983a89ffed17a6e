// When iterators are not to be used, and what is left of them when their process is killed.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { type Held, heldBy, leftOf } from "../held-in-kernel.js";
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
      expect(held.programs.length).toBe(3);
      expect(held.maps.length).toBeGreaterThan(2);
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(await leftOf(held)).toEqual([]);
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

// A link is there only while a walk runs.
async function untilWalking(pid: number): Promise<Held> {
  for (let tries = 0; tries < 500; tries++) {
    const held = heldBy(pid);
    if (held.links.length > 0) return held;
    await sleep(2);
  }
  throw new Error(`process ${pid} was not seen walking`);
}
