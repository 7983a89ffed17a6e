// A filter by process tree: whoever is below the root when the filter is set, and whoever is made there later.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { test } from "../require-tracing.js";
import { addon, captureWhile } from "./capture-under-test.js";
import { eventsOf, ownPrograms } from "./events-of.js";

const roots: ChildProcess[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) root.kill("SIGKILL");
});

// Does what it is told line by line, and says when it is done.
function startShell() {
  const child = spawn("bash", ["--norc", "--noprofile"], { stdio: ["pipe", "pipe", "inherit"] });
  roots.push(child);
  if (child.pid === undefined) throw new Error("bash did not start");
  const run = async (line: string) => {
    child.stdin.write(`${line}\necho done\n`);
    await once(child.stdout, "data");
  };
  return { pid: child.pid, run };
}

test("children that fork before any exec are in the tree, and nobody else is", async () => {
  const { pid, run } = startShell();
  await run(":");
  const { events } = await captureWhile({ kinds: ["fork", "exec", "exit"], filter: { roots: [pid] } }, async () => {
    spawnSync("/bin/true");
    await run("( ( ( exec -a deep /bin/true ) & wait ) & wait )");
    spawnSync("/bin/true");
  });
  const execs = events.filter((event) => event.kind === "exec");
  expect(execs).toMatchObject([{ argv: ["deep"] }]);
  const family = new Set([pid, ...events.flatMap((event) => (event.kind === "fork" ? [event.child.pid] : []))]);
  expect(family.size).toBeGreaterThanOrEqual(4);
  expect(events.every(({ subject }) => family.has(subject.pid))).toBe(true);
  const exited = events.filter((event) => event.kind === "exit").map(({ subject }) => subject.pid);
  expect(new Set(exited)).toEqual(new Set([...family].filter((member) => member !== pid)));
});

test("processes that are below the root already are in the tree", async () => {
  const { pid, run } = startShell();
  await run("coproc ( while read -r; do ( /bin/true; echo done; ); done )");
  const execs = await eventsOf("exec", { roots: [pid] }, async () => {
    await run(`echo go >&"\${COPROC[1]}"; read -r <&"\${COPROC[0]}"`);
    spawnSync("/bin/true");
  });
  expect(execs.map(({ filename }) => filename)).toEqual(["/bin/true"]);
  expect(execs[0]?.subject.parent).not.toBe(pid);
});

test("the roots can be changed while the capture runs", async () => {
  const first = startShell();
  const second = startShell();
  const execs = await eventsOf("exec", { roots: [first.pid] }, async (capture) => {
    const both = async (program: string) => {
      await first.run(program);
      await second.run(program);
    };
    await both("/bin/true");
    capture.setFilter({ roots: [second.pid] });
    await both("/bin/true");
    capture.setFilter({ roots: [first.pid, second.pid] });
    await both("/bin/true");
    capture.setFilter({ roots: [first.pid], comms: ["nobody"] });
    await both("/bin/true");
    expect(capture.untaggedProcesses()).toBe(0);
  });
  expect(execs.map(({ subject }) => subject.parent)).toEqual([first.pid, second.pid, first.pid, second.pid]);
});

test("a root that is gone is refused, and the filter stays as it was", async () => {
  const gone = spawnSync("/bin/true").pid;
  const ESRCH = -3;
  await expect(openCapture(addon, { kinds: ["exec"], filter: { roots: [gone] } })).rejects.toMatchObject({
    errno: ESRCH,
  });
  const execs = await eventsOf("exec", ownPrograms("true"), (capture) => {
    expect(() => capture.setFilter({ roots: [gone] })).toThrow(expect.objectContaining({ errno: ESRCH }));
    spawnSync("/bin/true");
    spawnSync("/bin/echo");
  });
  expect(execs).toHaveLength(1);
});

test("who is gone is forgotten", async () => {
  const { pid, run } = startShell();
  await eventsOf("exec", { roots: [pid] }, async () => {
    await run("for i in 1 2 3 4 5 6 7 8; do /bin/true; done");
    // The kernel frees a process when it has a moment.
    for (let tries = 0; taggedPids().length > 1 && tries < 100; tries++) await sleep(20);
    expect(taggedPids()).toEqual([pid]);
  });
});

// By the tags of the only capture of this process.
function taggedPids(): number[] {
  const texts = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")];
    } catch {
      // The descriptor of the listing itself.
      return [];
    }
  });
  const ids = new Set(texts.flatMap((text) => /^map_id:\s*(\d+)/m.exec(text)?.[1] ?? []));
  const maps: { id: number; name: string }[] = bpftool("map", "list");
  const tags = maps.find(({ id, name }) => name === "tree_tags" && ids.has(String(id)));
  const entries: { formatted: { key: { pid: number } } }[] = bpftool("map", "dump", "id", String(tags?.id));
  return entries.map(({ formatted }) => formatted.key.pid);
}

function bpftool(...args: string[]) {
  return JSON.parse(spawnSync("bpftool", [...args, "--json"], { encoding: "utf8" }).stdout);
}
