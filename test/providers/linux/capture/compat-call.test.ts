// System calls of 32-bit programs have other numbers: they must not be taken for those that have these numbers otherwise.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cannotTrace } from "../require-tracing.js";
import { captureWhile, sumOf } from "./capture-under-test.js";

// A 64-bit program may make such calls, too, which needs no 32-bit libraries: open(2) is 5 there, which is fstat(2)
// otherwise, and openat(2) is 295, which is preadv(2) otherwise.
const program = `
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
static long call(long number, long first, long second) {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(0) : "memory", "r8", "r9", "r10", "r11");
  return result;
}
int main(int count, char** given) {
  char* low = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  strcpy(low, given[1]);
  for (int turn = 0; turn < 3; turn++) if (call(5, (long)low, 0) < 0) return 1;
  for (int turn = 0; turn < 2; turn++) if (call(295, -100, (long)low) < 0) return 1;
  return 0;
}`;

const directory = mkdtempSync(join(tmpdir(), "compat-call-"));
const caller = join(directory, "compat-caller");
const file = join(directory, "file");
writeFileSync(file, "");
const isBuilt =
  process.arch === "x64" &&
  spawnSync("cc", ["-x", "c", "-o", caller, "-"], { input: program }).status === 0 &&
  spawnSync(caller, [file]).status === 0;
afterAll(() => rmSync(directory, { recursive: true }));

// Needs a processor and a kernel with 32-bit calls.
test.skipIf(cannotTrace !== undefined || !isBuilt)(
  "opens by 32-bit calls are counted as events that could not be told, and nothing else",
  async () => {
    const kinds = ["fileOpen", "fileRead"] as const;
    const { events, accounts } = await captureWhile({ kinds, filter: { comms: ["compat-caller"] } }, () => {
      expect(spawnSync(caller, [file]).status).toBe(0);
    });
    expect(accounts.fileOpen).toMatchObject({ attempted: sumOf(accounts.fileOpen), unreadable: 5 });
    expect(accounts.fileRead).toMatchObject({ attempted: sumOf(accounts.fileRead), unreadable: 0 });
    expect(events.filter((event) => event.kind === "fileOpen" && event.path === file)).toEqual([]);
    // A descriptor of 4294967196 stands for the current directory.
    expect(events.filter((event) => event.kind === "fileRead" && event.descriptor > 1000)).toEqual([]);
  },
);
