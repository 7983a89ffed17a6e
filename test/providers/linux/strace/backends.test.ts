// What both backends tell, by the same table: programs really do it, and each field is what they did.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CaptureEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import type { EventKind } from "../../../../services/providers/linux/capture/event-layout.js";
import type { CaptureFilter, CaptureOptions } from "../../../../services/providers/linux/capture/open-capture.js";
import { openStraceCapture } from "../../../../services/providers/linux/strace/open-strace-capture.js";
import type { EventCapture } from "../../../../services/providers/linux/trace/event-capture.js";
import { openKernelCapture } from "../../../../services/providers/linux/trace/kernel-capture.js";
import { addon, sumOf } from "../capture/capture-under-test.js";
import { cannotTrace } from "../require-tracing.js";
import { type Actor, startActor } from "./actor.js";
import { casesIn, connectTo } from "./backend-cases.js";

const directory = mkdtempSync(join(tmpdir(), "backends-"));
const file = join(directory, "file");
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
});

beforeEach(() => {
  rmSync(directory, { recursive: true });
  mkdirSync(join(directory, "sub"), { recursive: true });
  writeFileSync(file, "text");
});

afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

type Opener = (options: CaptureOptions) => Promise<EventCapture>;

async function taken(capture: EventCapture): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  for await (const batch of capture.events()) events.push(...batch.decode());
  return events;
}

/** The events of these kinds while the actor acts, with all of them accounted for. */
async function eventsWhile(
  open: Opener,
  kinds: readonly EventKind[],
  actor: Actor,
  filter: CaptureFilter = { roots: [actor.pid] },
): Promise<CaptureEvent[]> {
  const capture = await open({ kinds, filter });
  const events = taken(capture);
  await actor.act();
  await actor.end();
  const accounts = await capture.close();
  for (const kind of kinds) {
    const { attempted, submitted, unreadable } = accounts[kind];
    expect(attempted, kind).toBe(sumOf(accounts[kind]));
    expect(submitted, kind).toBe((await events).filter((event) => event.kind === kind).length);
    expect(unreadable, kind).toBe(0);
  }
  return events;
}

const backends: readonly (readonly [string, Opener])[] = [
  ["bpf", (options) => openKernelCapture(addon, options)],
  ["strace", openStraceCapture],
];

describe.each(backends.filter(([backend]) => backend === "strace" || cannotTrace === undefined))(
  "by %s",
  (backend, open) => {
    test.each(casesIn(directory))("$what", async ({ kinds, script, within = [], only = () => true, expected }) => {
      const actor = await startActor(script, { cwd: directory, within });
      const events = (await eventsWhile(open, kinds, actor)).filter(only);
      const wanted = expected(actor.pid);
      expect(events).toMatchObject(wanted);
      expect(events).toHaveLength(wanted.length);
      const times = events.map(({ time }) => time);
      expect(times).toEqual([...times].sort((one, other) => Number(one - other)));
      for (const { subject } of events) expect(subject.start).toBeGreaterThan(0n);
    });

    test.each([
      ["comms", { comms: ["perl"] }, { comms: ["other"] }],
      ["users", { users: [process.getuid?.() as number] }, { users: [4_711] }],
      ["paths", { paths: [directory] }, { paths: [`${directory}/sub`] }],
    ])("a filter by %s lets through what matches, and nothing else", async (_what, matching, other) => {
      for (const [filter, found] of [
        [matching, 1],
        [other, 0],
      ] as const) {
        const actor = await startActor('open(my $f, "<", "file") or die', { cwd: directory });
        const events = await eventsWhile(open, ["fileOpen"], actor, { roots: [actor.pid], ...filter });
        expect(events).toHaveLength(found);
      }
    });

    test("a filter by port and network lets through what matches, and nothing else", async () => {
      const script = `${connectTo(String(port))} ${connectTo("1")}`;
      for (const [filter, found] of [
        [{ ports: [port] }, 1],
        [{ networks: ["127.0.0.0/8"] }, 2],
        [{ networks: ["10.0.0.0/8"] }, 0],
      ] as const) {
        const actor = await startActor(script);
        const events = await eventsWhile(open, ["tcpConnect"], actor, { roots: [actor.pid], ...filter });
        expect(events.map((event) => event.kind)).toEqual(Array(found).fill("tcpConnect"));
      }
    });

    test("processes of a container are told by their numbers on the host", async () => {
      const script = "my $p = fork; if (!$p) { sleep 10; exit } kill KILL => $p; waitpid($p, 0)";
      const actor = await startActor(script, { within: ["unshare", "--pid", "--fork", "--kill-child"] });
      const events = await eventsWhile(open, ["fork", "signal", "exit"], actor);
      const child = events.find(({ kind, subject }) => kind === "fork" && subject.comm === "perl");
      if (child?.kind !== "fork") throw new Error("no fork was told");
      const { pid, start } = child.child;
      const ofChild = { pid, parent: child.subject.pid, start };
      expect(child.subject).toMatchObject({ comm: "perl", parent: actor.pid });
      expect(events).toContainEqual(
        expect.objectContaining({ kind: "signal", signal: 9, target: expect.objectContaining({ pid }) }),
      );
      expect(events).toContainEqual(
        expect.objectContaining({ kind: "exit", signal: 9, subject: expect.objectContaining(ofChild) }),
      );
    });

    test("what one process of two does is told when it was asked for, by pid and without its children", async () => {
      const script = 'my $p = fork; open(my $f, "<", $p ? "file" : "sub"); exit 0 unless $p; waitpid($p, 0)';
      const actors = [
        await startActor(script, { cwd: directory }),
        await startActor(script, { cwd: directory }),
      ] as const;
      const capture = await open({ kinds: ["fileOpen"], filter: { pids: [actors[0].pid] } });
      const events = taken(capture);
      for (const actor of actors) await actor.act();
      for (const actor of actors) await actor.end();
      const { fileOpen } = await capture.close();
      expect((await events).map(({ subject }) => subject.pid)).toEqual([actors[0].pid]);
      expect(fileOpen.attempted).toBe(sumOf(fileOpen));
      expect(fileOpen.filtered).toBeGreaterThan(0);
      expect(capture.backend).toBe(backend);
    });

    test("with a rate, nobody who reads, and a storm, every attempt is accounted for", async () => {
      const script = 'for (1 .. 20000) { open(my $f, "<", "file") }';
      const actor = await startActor(script, { cwd: directory });
      const capture = await open({
        kinds: ["fileOpen", "fileRead"],
        filter: { roots: [actor.pid] },
        ringBytes: 65_536,
      });
      await actor.act();
      capture.setEventsPerSecond(1);
      await actor.end();
      const accounts = await capture.close();
      const events = await taken(capture);
      for (const kind of ["fileOpen", "fileRead"] as const) {
        expect(accounts[kind].attempted, kind).toBe(sumOf(accounts[kind]));
        expect(events.filter((event) => event.kind === kind).length, kind).toBe(accounts[kind].submitted);
      }
      const { attempted, filtered, ringFull } = accounts.fileOpen;
      expect(attempted - filtered).toBeGreaterThanOrEqual(20_000);
      expect(ringFull).toBeGreaterThan(0);
    });
  },
);
