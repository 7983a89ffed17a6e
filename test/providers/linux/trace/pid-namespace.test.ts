// A daemon in a container that is a host of its own: it tells what that host does, by the numbers that its processes have there.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { type TraceReading, TraceReadingSchema } from "../../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import { test } from "../require-tracing.js";

const script = fileURLToPath(new URL("trace-as-a-host.mjs", import.meta.url));

interface Traced {
  readonly own: number;
  /** Of a shell that runs /bin/true, and of a timeout that runs sha256sum. */
  readonly pids: readonly number[];
  readonly reading: TraceReading;
}

// Something else happens on the machine before and while the host's programs run.
async function traceAsHost(...args: string[]): Promise<Traced> {
  const inside = ["--pid", "--fork", "--mount-proc", "--kill-child", process.execPath, script, ...args];
  const child = spawn("unshare", inside, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const neighbour = spawn("/usr/bin/md5sum", ["/dev/zero"], { stdio: "ignore" });
  try {
    expect((await lines.next()).value).toBe("open");
    spawnSync("/bin/echo", ["of the machine"]);
    child.stdin.write("go on\n");
    const { own, pids, findings } = JSON.parse((await lines.next()).value ?? "") as Omit<Traced, "reading"> & {
      findings: JsonValue;
    };
    await once(child, "exit");
    return { own, pids, reading: fromJson(TraceReadingSchema, findings) };
  } finally {
    neighbour.kill();
    child.kill("SIGKILL");
  }
}

test.each([[[]], [["root"]]])(
  "events are of its own processes, with their numbers there (filter: %j)",
  async (filter) => {
    const { own, pids, reading } = await traceAsHost("events", ...filter);
    const events = reading.events.map(({ event }) => event);
    const [shell, timeout] = pids;
    const forks = events.filter((event) => event?.detail.case === "fork");
    const children = forks.map((event) => (event?.detail.case === "fork" ? event.detail.value.pid : 0));
    expect(forks.map((event) => event?.process?.pid)).toEqual([shell, timeout]);
    const execs = events.filter((event) => event?.detail.case === "exec");
    expect(execs.map((event) => event?.process?.pid)).toEqual([shell, children[0], timeout, children[1]]);
    expect(execs.map((event) => event?.process?.parentPid)).toEqual([own, shell, own, timeout]);
    const exits = events.filter((event) => event?.detail.case === "exit").map((event) => event?.process?.pid);
    expect(new Set(exits)).toEqual(new Set([...pids, ...children]));
    for (const { name, attempted, filtered, delivered } of reading.accounts) {
      expect(filtered + delivered, name).toBe(attempted);
    }
    // The neighbours' were seen and left out.
    expect(reading.accounts.find(({ name }) => name === "exec")?.filtered).toBeGreaterThan(0n);
  },
);

test("a profile is of its own processes", async () => {
  const { reading } = await traceAsHost("profile");
  const programs = new Set(reading.stacks.map(({ folded }) => folded.split(";")[0]));
  expect([...programs].some((program) => program?.startsWith("sha256sum"))).toBe(true);
  expect([...programs].filter((program) => program?.startsWith("md5sum"))).toEqual([]);
});
