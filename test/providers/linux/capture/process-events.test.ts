// Programs that really run, fork and end, on this kernel.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import { test } from "../require-tracing.js";
import { captureWhile } from "./capture-under-test.js";
import { ownPrograms } from "./events-of.js";

test("exec tells program, arguments, parent and start, and the filter lets nothing else through", async () => {
  const { events, accounts } = await captureWhile({ kinds: ["exec"], filter: ownPrograms("echo") }, () => {
    spawnSync("/bin/echo", ["hello", "wörld", ""]);
    spawnSync("/bin/true");
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    kind: "exec",
    filename: "/bin/echo",
    argv: ["/bin/echo", "hello", "wörld", ""],
    cutBytes: 0,
    subject: { comm: "echo", parent: process.pid, user: process.getuid?.() },
  });
  expect(accounts.exec.submitted).toBe(1);
  expect(accounts.exec.filtered).toBeGreaterThanOrEqual(1);
});

test("exec keeps the begin of arguments that are longer than it has room for, and says how much is missing", async () => {
  const { events } = await captureWhile({ kinds: ["exec"], filter: ownPrograms("true") }, () => {
    spawnSync("/bin/true", ["x".repeat(10_000), "y"]);
  });
  const event = events.find(({ subject }) => subject.parent === process.pid);
  if (event?.kind !== "exec") throw new Error("no exec was seen");
  expect(event.argv).toEqual(["/bin/true", "x".repeat(2048 - "/bin/true".length - 1)]);
  expect(event.cutBytes).toBe("/bin/true".length + 1 + 10_001 + 2 - 2048);
});

test("fork names the child, and the child's events have the start that it told", async () => {
  const script = "(exit 7) & wait";
  const { events } = await captureWhile({ kinds: ["fork", "exit"], filter: ownPrograms("sh") }, () => {
    spawnSync("/bin/sh", ["-c", script]);
  });
  const fork = events.find((event) => event.kind === "fork" && event.subject.parent === process.pid);
  if (fork?.kind !== "fork") throw new Error("no fork was seen");
  const exit = events.find((event) => event.kind === "exit" && event.subject.pid === fork.child.pid);
  expect(exit).toMatchObject({
    kind: "exit",
    status: 7,
    signal: 0,
    isProcess: true,
    subject: { start: fork.child.start, parent: fork.subject.pid },
  });
});

test("exit tells the signal that killed", async () => {
  let pid: number | undefined;
  const { events } = await captureWhile({ kinds: ["exit"], filter: ownPrograms("sleep") }, async () => {
    const child = spawn("/bin/sleep", ["10"]);
    pid = child.pid;
    await once(child, "spawn");
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  const exits = events.filter((event) => event.subject.pid === pid);
  expect(exits).toMatchObject([{ kind: "exit", signal: 15, status: 0, isProcess: true }]);
});
