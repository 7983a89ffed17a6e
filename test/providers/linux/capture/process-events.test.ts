// Programs that really run, fork and end, on this kernel.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { type CaptureEvent, decodeEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import { EventCursor } from "../../../../services/providers/linux/capture/event-cursor.js";
import type { CaptureAddon } from "../../../../services/providers/linux/capture/native-capture.js";
import { type CaptureOptions, openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";

const addon: CaptureAddon = createRequire(import.meta.url)(builtAddonPath());

async function captureWhile(options: CaptureOptions, action: () => Promise<unknown> | unknown) {
  const capture = await openCapture(addon, options);
  const events: CaptureEvent[] = [];
  const reading = (async () => {
    for await (const batch of capture.batches) {
      const cursor = new EventCursor(batch);
      while (cursor.next()) events.push(decodeEvent(cursor));
    }
  })();
  await action();
  const accounts = await capture.close();
  await reading;
  return { events, accounts };
}

test("exec tells program, arguments, parent and start", async () => {
  const { events, accounts } = await captureWhile({ kinds: ["exec"], filter: { comms: ["echo"] } }, () => {
    spawnSync("/bin/echo", ["hello", "wörld", ""]);
  });
  expect(events).toHaveLength(1);
  const [event] = events;
  expect(event).toMatchObject({
    kind: "exec",
    filename: "/bin/echo",
    argv: ["/bin/echo", "hello", "wörld", ""],
    cutBytes: 0,
    subject: { comm: "echo", parent: process.pid, user: process.getuid?.() },
  });
  expect(accounts.exec.submitted).toBe(1);
});

test("exit tells status and signal", async () => {
  let pid: number | undefined;
  const { events } = await captureWhile({ kinds: ["exit"], filter: { comms: ["sleep"] } }, async () => {
    const child = spawn("/bin/sleep", ["10"]);
    pid = child.pid;
    await once(child, "spawn");
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  const exits = events.filter((event) => event.subject.pid === pid);
  expect(exits).toMatchObject([{ kind: "exit", signal: 15, status: 0, isProcess: true }]);
});

test("every attempt is accounted for", async () => {
  const { events, accounts } = await captureWhile({ kinds: ["exec", "fork", "exit"], eventsPerSecond: 20 }, () => {
    for (let count = 0; count < 40; count++) spawnSync("/bin/true");
  });
  for (const kind of ["exec", "fork", "exit"] as const) {
    const { attempted, filtered, rateLimited, ringFull, noScratch, unreadable, submitted } = accounts[kind];
    expect(attempted).toBe(filtered + rateLimited + ringFull + noScratch + unreadable + submitted);
    expect(events.filter((event) => event.kind === kind)).toHaveLength(submitted);
  }
  expect(accounts.exec.rateLimited).toBeGreaterThan(0);
});
