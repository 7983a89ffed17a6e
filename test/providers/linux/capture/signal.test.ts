// Signals that are really sent.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms } from "./events-of.js";

const SIGUSR1 = 10;
const SIGCHLD = 17;
let target: ChildProcess | undefined;

afterEach(async () => {
  target?.kill("SIGKILL");
  if (target) await once(target, "close");
  target = undefined;
});

// Says when it is ready for signals.
async function startTarget(script: string): Promise<number> {
  target = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  if (!target.stdout || target.pid === undefined) throw new Error("the target did not start");
  await once(target.stdout, "data");
  return target.pid;
}

const send = (pid: number) => spawnSync("bash", ["-c", `kill -USR1 ${pid}`]);

test.each([
  ["delivered", "trap : USR1; echo ready; while :; do sleep 0.1; done"],
  ["ignored", "trap '' USR1; echo ready; while :; do sleep 0.1; done"],
] as const)("a signal tells sender, target and number, and that it was %s", async (result, script) => {
  const pid = await startTarget(script);
  const events = await eventsOf("signal", ownPrograms("bash"), () => send(pid));
  const sent = events.filter(({ target: { pid: to } }) => to === pid);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    signal: SIGUSR1,
    result,
    code: 0,
    isFromKernel: false,
    subject: { comm: "bash", parent: process.pid },
    target: { pid, tid: pid, comm: "sh" },
  });
  expect(sent[0]?.target.start).toBeGreaterThan(0n);
});

test("a filter by pid lets the signals to this process through as well as those from it, and no others", async () => {
  const pid = await startTarget("trap : USR1; echo ready; while :; do sleep 0.1; done");
  const events = await eventsOf("signal", { pids: [pid] }, () => {
    send(pid);
    spawnSync("bash", ["-c", "kill -USR1 $$"]);
  });
  expect(events.filter(({ signal }) => signal === SIGUSR1)).toMatchObject([
    { subject: { comm: "bash" }, target: { pid } },
  ]);
  expect(events.every(({ subject, target: to }) => subject.pid === pid || to.pid === pid)).toBe(true);
});

test("what the kernel sends is told as such", async () => {
  const events = await eventsOf("signal", ownPrograms("true"), () => spawnSync("sh", ["-c", "/bin/true; :"]));
  expect(events).toMatchObject([{ signal: SIGCHLD, isFromKernel: true, target: { comm: "sh" } }]);
});
