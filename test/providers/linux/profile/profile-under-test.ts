// Real programs, compiled here, and profiles of them on this kernel.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type CpuProfile,
  openProfile,
  type ProfileOptions,
} from "../../../../services/providers/linux/profile/open-profile.js";
import { addon } from "../require-tracing.js";

export { addon };

/**
 * Runs for some seconds and then ends by itself: main → middle → hot. A function that calls none has no frame of its own
 * unless it asks for it, and then its caller is hidden.
 */
export const hotProgram = `
#include <stdlib.h>
#include <time.h>
volatile double sink;
void* volatile frame;
__attribute__((noinline)) void hot(void) { frame = __builtin_frame_address(0); for (int i = 0; i < 100000; i++) sink += i * 0.5; }
__attribute__((noinline)) void middle(long until) { while (time(0) < until) { hot(); sink += 1; } }
int main(int argc, char** argv) { middle(time(0) + (argc > 1 ? atoi(argv[1]) : 20)); return sink > 0 ? 0 : 1; }
`;

/** A folder that is there for the time of a test. */
export async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "systems-manager-profile-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Path of the program. */
export function compile(folder: string, source: string, flags: readonly string[], compiler = "gcc"): string {
  const name = join(folder, "busy-program");
  const file = `${name}.${compiler === "gcc" ? "c" : "cc"}`;
  writeFileSync(file, source);
  execFileSync(compiler, ["-O1", "-fno-omit-frame-pointer", ...flags, file, "-o", name]);
  return name;
}

/** Starts a program, waits until it is that program, and ends it when it was used. */
export async function whileRunning<Result>(
  [program, ...args]: readonly [string, ...string[]],
  use: (pid: number, child: ChildProcess) => Promise<Result>,
): Promise<Result> {
  // Runtimes that are asked for a perf map may write logs to where they are.
  return withFolder(async (folder) => {
    const child = spawn(program, args, { stdio: "ignore", cwd: folder });
    await once(child, "spawn");
    try {
      return await use(child.pid as number, child);
    } finally {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
    }
  });
}

export async function profileFor(milliseconds: number, options: ProfileOptions): Promise<CpuProfile> {
  const profile = await openProfile(addon, options);
  await sleep(milliseconds);
  return profile.close();
}

/** However busy the machine is: until there are some samples. */
export async function profileUntil(samples: number, options: ProfileOptions): Promise<CpuProfile> {
  const profile = await openProfile(addon, options);
  for (let tries = 0; (await profile.read()).account.counted < samples && tries < 150; tries++) await sleep(100);
  return profile.close();
}

/** The share of samples whose stack has this function. */
export function shareOf({ stacks }: CpuProfile, name: string | RegExp): number {
  const holds = (text: string) => (typeof name === "string" ? text === name : name.test(text));
  const matching = stacks.filter(({ frames }) => frames.some((frame) => holds(frame.name)));
  const sum = (some: CpuProfile["stacks"]) => some.reduce((total, { count }) => total + count, 0);
  return sum(matching) / Math.max(sum(stacks), 1);
}

/** What the samples came to, which must be their number. */
export function sumOfEnds({ account: { idle, filtered, counted, uncounted } }: CpuProfile): number {
  return idle + filtered + counted + uncounted;
}
