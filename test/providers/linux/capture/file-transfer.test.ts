// Files that are really read and written: who writes to this file?
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms, perl, systemCall } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "file-transfer-"));
const input = join(directory, "input");
const output = join(directory, "output");
writeFileSync(input, "0123456789");
const filter = { comms: ["perl"], paths: [directory] };
const openBoth = 'open(my $i, "<", $ARGV[0]) or die $!; open(my $o, ">", $ARGV[1]) or die $!;';

afterAll(() => rmSync(directory, { recursive: true }));

test.each([
  ["write", 'syswrite($o, "hello") == 5 or die $!', 5],
  ["sendfile", `syscall(${systemCall.sendfile}, fileno($o), fileno($i), 0, 3) == 3 or die $!`, 3],
  ["copy_file_range", `syscall(${systemCall.copyFileRange}, fileno($i), 0, fileno($o), 0, 4, 0) == 4 or die $!`, 4],
])("%s tells the file that is written to, and how much", async (_what, script, bytes) => {
  const events = await eventsOf("fileWrite", filter, () => perl(openBoth + script, [input, output]));
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path: output, isResolved: true, result: bytes, subject: { comm: "perl" } });
});

test.each([
  ["read", "sysread($i, my $b, 7) == 7 or die $!", 7],
  ["sendfile", `syscall(${systemCall.sendfile}, fileno($o), fileno($i), 0, 3) == 3 or die $!`, 3],
  ["copy_file_range", `syscall(${systemCall.copyFileRange}, fileno($i), 0, fileno($o), 0, 4, 0) == 4 or die $!`, 4],
])("%s tells the file that is read from, and how much", async (_what, script, bytes) => {
  const events = await eventsOf("fileRead", filter, () => perl(openBoth + script, [input, output]));
  expect(events).toMatchObject([{ path: input, isResolved: true, result: bytes }]);
});

test("a write that is refused tells the errno and the descriptor", async () => {
  const script = `use POSIX; ${openBoth} defined(POSIX::write(fileno($i), "x", 1)) and die`;
  const events = await eventsOf("fileWrite", filter, () => perl(script, [input, output]));
  expect(events).toMatchObject([{ path: input, result: -9, descriptor: 3 }]);
});

test("pipes and sockets are no files", async () => {
  const script = "echo hello | cat | cat >/dev/null";
  const events = await eventsOf("fileWrite", ownPrograms("cat", "sh"), () => spawnSync("sh", ["-c", script]));
  expect(events.map(({ path }) => path)).toEqual(["/dev/null"]);
});
