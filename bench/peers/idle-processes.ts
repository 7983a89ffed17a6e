// Many idle processes, each with a TCP listener, for the time of a measurement.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { findPackageRoot } from "../../services/shared/package-root.js";

/** One idle process and the port it listens on. */
export interface IdleProcess {
  readonly pid: number;
  readonly port: number;
}

/** Runs `measure` beside `count` idle processes, which are gone when it returns or throws. */
export async function withIdleProcesses<Result>(
  count: number,
  measure: (idle: readonly IdleProcess[]) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "idle-processes-"));
  const program = join(folder, "idle_processes");
  const source = fileURLToPath(new URL("bench/peers/idle_processes.cc", findPackageRoot()));
  await execa("c++", ["-std=c++17", "-O1", "-o", program, source]);
  const parent = execa(program, [String(count)], { buffer: false, reject: false, forceKillAfterDelay: false });
  try {
    const idle: IdleProcess[] = [];
    for await (const line of createInterface({ input: parent.stdout })) {
      if (line === "ready") break;
      const [pid, port] = line.split(" ").map(Number);
      idle.push({ pid: pid as number, port: port as number });
    }
    if (idle.length !== count) throw new Error(`only ${idle.length} of ${count} idle processes could be started`);
    return await measure(idle);
  } finally {
    // The children's death signal comes with the parent's end.
    parent.kill("SIGKILL");
    await parent;
    rmSync(folder, { recursive: true });
  }
}
