// Programs that do one thing many times and say how long that took: they are traced, and traced by others.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** Prints nanoseconds of each turn as its last line on its standard error, without its own start and end. */
export interface Storm {
  readonly command: readonly [string, ...string[]];
  readonly turns: number;
}

export type StormName = "open" | "ask" | "exec";

const bodies: Readonly<Record<StormName, string>> = {
  open: `int file = open(given[2], O_RDONLY | O_CLOEXEC); if (file < 0) return 1; close(file);`,
  // No name is that long, and whether the caller may set one is asked first: the cheapest event that a program can cause.
  ask: `sethostname("", (size_t)-1);`,
  exec: `char* none[] = {"true", 0}; pid_t child;
    if (posix_spawn(&child, "/bin/true", 0, 0, none, none) != 0 || waitpid(child, 0, 0) != child) return 1;`,
};

const programOf = (body: string) => `
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static long now(void) { struct timespec at; clock_gettime(CLOCK_MONOTONIC, &at); return at.tv_sec * 1000000000L + at.tv_nsec; }
int main(int count, char** given) {
  int turns = atoi(given[1]);
  long begin = now();
  for (int turn = 0; turn < turns; turn++) { ${body} }
  fprintf(stderr, "%.3f\\n", (double)(now() - begin) / turns);
  return 0;
}`;

/** Compiles the storms into a folder. Throws without a C compiler. */
export function compileStorms(folder: string): (name: StormName, turns: number) => Storm {
  for (const [name, body] of Object.entries(bodies)) {
    const input = programOf(body);
    const built = spawnSync("cc", ["-O2", "-x", "c", "-o", join(folder, name), "-"], { input, encoding: "utf8" });
    if (built.status !== 0) throw new Error(`cc cannot build the storms: ${built.error?.message ?? built.stderr}`);
  }
  const opened = join(folder, "opened");
  writeFileSync(opened, "");
  return (name, turns) => ({ command: [join(folder, name), String(turns), opened], turns });
}

/** Nanoseconds of each turn, under another program's eyes when that is put in front. */
export async function runStorm({ command }: Storm, under: readonly string[] = []): Promise<number> {
  const [program, ...rest] = [...under, ...command];
  const { stderr } = await execa(program as string, rest, { stdout: "ignore", timeout: 30_000 });
  const nanoseconds = Number(stderr.trim().split("\n").at(-1));
  if (!(nanoseconds > 0)) throw new Error(`${program} did not let the storm say its time: ${stderr}`);
  return nanoseconds;
}

/** A program of so many files, each of which is compiled by itself. Gives their names without an ending. */
export function writeSources(folder: string, files: number): string[] {
  mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: files }, (_, index) => `file${index}`);
  for (const name of names) {
    const functions = Array.from({ length: 20 }, (_, index) => functionOf(`${name}_${index}`)).join("\n");
    writeFileSync(
      join(folder, `${name}.c`),
      `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n${functions}\n`,
    );
  }
  writeFileSync(join(folder, "Makefile"), "%.o: %.c\n\t@cc -O1 -c $< -o $@\nclean:\n\t@rm -f *.o\n");
  return names;
}

const functionOf = (name: string) => `
int ${name}(const char* text, int times) {
  int sum = 0;
  for (int turn = 0; turn < times; turn++) sum += (int)strlen(text) * turn ^ atoi(text);
  printf("%d", sum);
  return sum;
}`;

/** Milliseconds of compiling these of its files anew, two at a time. */
export async function build(folder: string, names: readonly string[]): Promise<number> {
  await execa("make", ["-s", "-C", folder, "clean"]);
  const objects = names.map((name) => `${name}.o`);
  const begin = performance.now();
  await execa("make", ["-s", "-j2", "-C", folder, ...objects], { timeout: 60_000 });
  return performance.now() - begin;
}
