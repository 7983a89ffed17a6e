// A module that is really asked for. No file here is one that any kernel takes, so what is told is the refusal.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { test } from "../require-tracing.js";
import { eventsOf, ownPrograms, perl, systemCall } from "./events-of.js";

const directory = mkdtempSync(join(tmpdir(), "module-load-"));
const file = join(directory, "some.ko");
writeFileSync(file, "no module");
afterAll(() => rmSync(directory, { recursive: true }));

// ENOSYS: a kernel without modules; ENOEXEC, ENOKEY, EKEYREJECTED, EPERM: one that has them.
const refusals = [-38, -8, -126, -129, -1];

test("a module by descriptor tells its file, its parameters and the result", async () => {
  const script = `open(my $f, "<", $ARGV[0]) or die $!; my $p = "debug=1"; syscall(${systemCall.finitModule}, fileno($f), $p, 0)`;
  const events = await eventsOf("moduleLoad", ownPrograms("perl"), () => perl(script, [file]));
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ path: file, isResolved: true, isFromMemory: false, parameters: "debug=1" });
  expect(refusals).toContain(events[0]?.result);
});

test("a module out of memory has no path", async () => {
  const number = process.arch === "arm64" ? 105 : 175;
  const script = `my ($m, $p) = ("no module", "verbose=2"); syscall(${number}, $m, 9, $p)`;
  const events = await eventsOf("moduleLoad", ownPrograms("perl"), () => perl(script));
  expect(events).toMatchObject([{ path: "", isResolved: false, isFromMemory: true, parameters: "verbose=2" }]);
  expect(refusals).toContain(events[0]?.result);
});
