// A perl program that waits to be traced, does something when told, and waits again until it has been looked at.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

export interface Actor {
  readonly pid: number;
  /** Runs the script; gives what it said. */
  act(): Promise<string>;
  /** Lets it end; resolves when it has. */
  end(): Promise<void>;
}

interface ActorOptions {
  readonly cwd?: string;
  readonly args?: readonly string[];
  /** What runs perl, such as unshare. */
  readonly within?: readonly string[];
}

const frame = (script: string) => `use Socket; $| = 1; print "ready\\n"; sysread(STDIN, my $go, 1); ${script};
  print "done\\n"; sysread(STDIN, $go, 1);`;

/** Resolves when it waits. A script may end the program itself. */
export async function startActor(
  script: string,
  { cwd = "/", args = [], within = [] }: ActorOptions = {},
): Promise<Actor> {
  const [program = "", ...words] = [...within, "perl", "-e", frame(script), ...args];
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(program, words, {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  child.stdin.on("error", () => undefined);
  await once(child.stdout, "data");
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  return {
    pid: child.pid as number,
    async act() {
      child.stdin.write("x");
      while (!said.includes("done\n") && child.exitCode === null && child.signalCode === null) {
        await Promise.race([once(child.stdout, "data"), closed]);
      }
      return said;
    },
    async end() {
      child.stdin.end();
      await closed;
    },
  };
}
