// One suite for all backends, on real processes; and all must agree.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from "vitest";
import { openProcSource } from "../../../../services/providers/linux/procfs/open-proc-source.js";
import type { ProcSource, RawProcess } from "../../../../services/providers/linux/procfs/proc-source.js";
import { createLogger } from "../../../../services/shared/log.js";
import { stopProcess } from "../../../shared/stop-process.js";
import { argvOf, backends, childOf, RealProcesses, stateOf, until } from "../real-processes.js";

const log = createLogger("test");
const processes = new RealProcesses();
afterEach(() => processes.end());

async function readOne(source: ProcSource, pid: number): Promise<RawProcess> {
  const [found] = (await source.readProcesses([pid])).processes;
  if (!found) throw new Error(`no process ${pid}`);
  return found;
}

describe.each(backends)("the backend %s", (backend) => {
  const source = openProcSource(backend, log);

  it("says what it is", () => expect(source.backend).toBe(backend));

  it("reads a known child: parent, owner, arguments, threads, memory", async () => {
    const pid = processes.start("sleep", ["61.5"]);
    await until(() => readFileSync(`/proc/${pid}/comm`, "latin1") === "sleep\n");
    const child = await readOne(source, pid);
    expect(child).toMatchObject({ pid, parentPid: process.pid, userId: process.geteuid?.(), threadCount: 1 });
    expect(child.name).toBe("sleep");
    expect(child.argv).toEqual(["sleep", "61.5"]);
    const statm = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ").map(Number);
    expect(child.residentBytes).toBeGreaterThan(0);
    expect(child.residentBytes).toBeLessThanOrEqual((statm[0] as number) * 4096 * 16);
    expect(child.startTicks).toBe(Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(" ")[21]));
  });

  test.each([
    ["((sd-pam))", "((sd-pam))"],
    ["a) R 1 (b", "a) R 1 (b"],
    ["two\\nlines", "two\nlines"],
    ["with spaces", "with spaces"],
    ["\\377\\376x", "\ufffd\ufffdx"],
  ])("reads the name $'%s'", async (written, read) => {
    const pid = await processes.startNamed(written);
    const child = await readOne(source, pid);
    expect(child.name).toBe(read);
    expect(child.parentPid).toBe(process.pid);
  });

  it("reads arguments that are not UTF-8, empty ones and line feeds", async () => {
    const pid = processes.start("bash", ["-c", "exec bash -c 'read -r _; read -r _' $'\\xff\\xfe' '' $'a\\nb' end"]);
    await until(() => argvOf(pid).endsWith("\0end\0") && !argvOf(pid).includes("exec"));
    const { argv } = await readOne(source, pid);
    expect(argv.slice(3)).toEqual(["\ufffd\ufffd", "", "a\nb", "end"]);
  });

  it("cuts a huge command line and says by how much", async () => {
    const argument = "x".repeat(100_000);
    const pid = processes.start("bash", ["-c", "read -r _; read -r _", argument]);
    const total = readFileSync(`/proc/${pid}/cmdline`).length;
    const { argv } = await readOne(source, pid);
    expect(argv.at(-1)).toBe(`[${total - 32 * 1024} bytes cut]`);
    expect(argv.slice(0, 3)).toEqual(["bash", "-c", "read -r _; read -r _"]);
  });

  it("reads a zombie, which has neither arguments nor memory", async () => {
    const parent = processes.start("bash", ["-c", "sleep 0 & exec sleep 60"]);
    await until(() => readFileSync(`/proc/${parent}/comm`, "latin1") === "sleep\n" && stateOf(childOf(parent)) === "Z");
    const zombie = await readOne(source, childOf(parent));
    expect(zombie).toMatchObject({ state: "Z", parentPid: parent, residentBytes: 0, name: "sleep" });
    expect(zombie.argv).toEqual([]);
  });

  it("reads a stopped process", async () => {
    const pid = processes.start("sleep", ["60"]);
    await stopProcess(pid);
    expect((await readOne(source, pid)).state).toBe("T");
  });

  it("leaves out pids that do not exist, and doubles", async () => {
    const { processes: found } = await source.readProcesses([process.pid, 4194303, process.pid, process.ppid]);
    const expected = [process.pid, process.ppid].sort((a, b) => a - b);
    expect(found.map(({ pid }) => pid)).toEqual(expected);
    expect((await source.readProcesses([])).processes).toEqual([]);
  });

  it("lists what ps lists, in the order of pids", async () => {
    const psPids = () => execFileSync("ps", ["-e", "-o", "pid="], { encoding: "utf8" }).trim().split(/\s+/).map(Number);
    const before = new Set(psPids());
    const pids = (await source.readProcesses()).processes.map(({ pid }) => pid);
    const after = new Set(psPids());
    expect(pids).toEqual([...pids].sort((a, b) => a - b));
    expect(pids).toContain(process.pid);
    // What was there before and after was there in between; what is listed was there at one end or ended in between.
    expect([...before].filter((pid) => after.has(pid) && !pids.includes(pid))).toEqual([]);
    const settled = pids.filter((pid) => before.has(pid) || after.has(pid));
    expect(settled.length).toBeGreaterThan(pids.length * 0.9);
  });

  it("survives processes that come and go during the walk", async () => {
    // A process may hide its descriptors even from root; coming and going must not look like that.
    const { unseenCount } = await source.readSocketHolders();
    const churn = processes.start("bash", ["-c", "while :; do /bin/true & /bin/true & wait; done"]);
    for (let round = 0; round < 20; round++) {
      const [table, sockets] = await Promise.all([source.readProcesses(), source.readSocketHolders()]);
      expect(table.processes.some(({ pid }) => pid === churn)).toBe(true);
      expect([table.unseenCount, sockets.unseenCount]).toEqual([0, unseenCount]);
    }
  });

  it("finds the descriptor of a socket", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
      const { holders } = await source.readSocketHolders();
      const mine = [...holders.values()].filter((list) =>
        list.some((held) => held.pid === process.pid && held.fd === fd),
      );
      expect(mine).toEqual([[{ pid: process.pid, fd }]]);
    } finally {
      server.close();
    }
  });
});

describe("all backends", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "proc-source-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("give the same for every process that stands still, odd ones among them", async () => {
    copyFileSync("/bin/sleep", join(folder, "gone"));
    const deleted = processes.start(join(folder, "gone"), ["60"]);
    const odd = [deleted, await processes.startNamed("a) (b\\n\\377"), processes.start("sleep", ["60"])];
    // Each is the program that it is started as, and sleeps: nothing of it changes any more.
    await until(() => odd.every((pid) => argvOf(pid).endsWith("\x0060\0") && stateOf(pid) === "S"));
    rmSync(join(folder, "gone"));
    const read = async (backend: string) =>
      (await openProcSource(backend, log).readProcesses()).processes.map(complete);
    const before = await read("native");
    const others = [];
    for (const backend of backends) others.push(await read(backend));
    const after = await read("native");
    // What reads the same before and after stood still in between.
    const still = before.filter((process) => after.some((later) => isDeepStrictEqual(process, later)));
    for (const pid of odd) expect(still.map((process) => process.pid)).toContain(pid);
    for (const table of others)
      for (const process of still) {
        // Any other one may have run for a moment in between; the odd ones sleep, and must be equal in every field.
        const found = table.find(({ pid }) => pid === process.pid);
        if (odd.includes(process.pid)) expect(found).toEqual(process);
        else expect(found && lasting(found)).toEqual(lasting(process));
      }
    expect(still.length).toBeGreaterThan(odd.length + 2);
  });

  it("give the same sockets for a process that stands still", async () => {
    const tables = await Promise.all(backends.map((backend) => openProcSource(backend, log).readSocketHolders()));
    const own = tables.map(({ holders }) => new Map([...holders].filter(([, list]) => list[0]?.pid === process.pid)));
    expect(own[0]?.size).toBeGreaterThan(0);
    for (const other of own.slice(1)) expect(other).toEqual(own[0]);
  });
});

describe("who holds sockets, by all backends", () => {
  test.each([1, 1024, 1025, 3000])("gives the same for a process that holds %i more sockets", async (count) => {
    // Without ports: others would be given the same for another protocol.
    const folder = mkdtempSync(join(tmpdir(), "sockets-"));
    const servers = Array.from({ length: count }, (_, index) => createServer().listen(join(folder, String(index))));
    try {
      await Promise.all(servers.map((server) => server.listening || once(server, "listening")));
      const own = [];
      for (const backend of backends) {
        const { holders } = await openProcSource(backend, log).readSocketHolders();
        own.push([...holders].filter(([, list]) => list.some(({ pid }) => pid === process.pid)));
      }
      expect(own[0]?.length).toBeGreaterThanOrEqual(count);
      for (const other of own.slice(1)) expect(other).toEqual(own[0]);
      const asked = own[0]?.map(([inode]) => inode).slice(-2) as number[];
      for (const backend of backends) {
        const { holders } = await openProcSource(backend, log).readSocketHolders(asked);
        for (const inode of asked)
          expect([inode, holders.get(inode)]).toEqual(own[0]?.find(([held]) => held === inode));
        // Others whose inodes end alike, one of 65,536, come with them.
        if (backend === "iterators") expect(holders.size).toBeLessThan(asked.length + 5);
      }
    } finally {
      for (const server of servers) server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

type Lasting = Pick<RawProcess, "pid" | "parentPid" | "userId" | "startTicks" | "name" | "argv">;

/** What does not change while a process runs on: a worker of the kernel is also named after what it works on. */
function lasting({ pid, parentPid, userId, startTicks, name, argv }: Lasting): Lasting {
  return { pid, parentPid, userId, startTicks, name: name.replace(/^(kworker\/[^-+]+)[-+].*/, "$1"), argv };
}

/** Every field, text decoded. */
function complete(process: RawProcess) {
  const { state, threadCount, userTicks, systemTicks, residentBytes } = process;
  return { ...lasting(process), state, threadCount, userTicks, systemTicks, residentBytes };
}
