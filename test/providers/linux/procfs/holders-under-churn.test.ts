// Who holds which socket, read while thousands of sockets and processes come and go: tables are read without a lock.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openProcSource } from "../../../../services/providers/linux/procfs/open-proc-source.js";
import type { SocketTable } from "../../../../services/providers/linux/procfs/proc-source.js";
import { createLogger } from "../../../../services/shared/log.js";
import { backends } from "../real-processes.js";

const lookingMs = 2500;
const steadySockets = 40;
/** The program's standard input and outputs are sockets that it was given. */
const lastGiven = 2;
const source = fileURLToPath(new URL("churn_sockets.cc", import.meta.url));

describe("who holds which socket", () => {
  let folder: string;
  let program: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "churn-sockets-"));
    program = join(folder, "churn_sockets");
    execFileSync("c++", ["-std=c++17", "-O1", "-pthread", "-o", program, source]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(backends)("is told truly by %s while sockets are made, moved and closed", async (backend) => {
    const { readSocketHolders } = openProcSource(backend, createLogger("test"));
    const record = join(folder, backend);
    const tables: SocketTable[] = [];
    const churn = spawn(program, [record], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(churn.stdout, "data");
      for (const end = performance.now() + lookingMs; performance.now() < end; ) tables.push(await readSocketHolders());
    } finally {
      await end(churn);
    }
    const makers = readMakers(record);
    const steady = [...makers].filter(([, pid]) => pid === churn.pid).map(([inode]) => inode);
    expect(steady).toHaveLength(steadySockets);
    let seen = 0;
    for (const { holders } of tables) {
      // By two descriptors each.
      expect(steady.filter((inode) => holders.get(inode)?.length !== 2)).toEqual([]);
      const made = [...holders].filter(([inode]) => makers.has(inode));
      expect(made.filter(([inode, held]) => held.some(({ pid }) => pid !== makers.get(inode)))).toEqual([]);
      const others = [...holders].filter(([inode]) => !makers.has(inode)).flatMap(([, held]) => held);
      expect(others.filter(({ pid, fd }) => pid === churn.pid && fd > lastGiven)).toEqual([]);
      seen += made.length - steady.length;
    }
    // The others came and went while they were looked at.
    expect(makers.size).toBeGreaterThan(10_000);
    expect(seen).toBeGreaterThan(tables.length);
  });
});

async function end(churn: ChildProcess): Promise<void> {
  const ended = once(churn, "exit");
  churn.stdin?.end();
  expect(await ended).toEqual([0, null]);
}

/** Pid by inode, of what churn_sockets wrote down. */
function readMakers(path: string): Map<number, number> {
  const words = new BigUint64Array(new Uint8Array(readFileSync(path)).buffer);
  const [count = 0n] = words;
  const first = 2;
  if (Number(count) > (words.length - first) / 2)
    throw new Error(`${count} sockets were made, more than were written down`);
  const made = words.subarray(first, first + 2 * Number(count));
  return new Map(
    Array.from({ length: Number(count) }, (_, index) => [Number(made[2 * index]), Number(made[2 * index + 1])]),
  );
}
