// The built command in a process of its own, watched through what it says.
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

export const commandPath = new URL("../../dist/services/cli/main.js", import.meta.url).pathname;

export interface CommandProcess {
  /** What it has said on stderr so far. */
  output(): string;
  readonly exited: Promise<number | undefined>;
  /** Sends the signal and resolves with the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | undefined>;
}

/** Starts `systems-manager` with these arguments, and these variables beside the test's own. */
export function startCommand(args: string[], env: Record<string, string> = {}): CommandProcess {
  const child = execa(process.execPath, [commandPath, ...args], { reject: false, buffer: false, env });
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const exited = child.then((result) => result.exitCode);
  const stop = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return { output: () => output, exited, stop };
}

/** Resolves when the process has said this. */
export async function waitForOutput(child: CommandProcess, text: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; !child.output().includes(text); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${text} in:\n${child.output()}`);
  }
}

/** Where daemons attach to a relay process. */
export async function relayUrlOf(child: CommandProcess): Promise<string> {
  await waitForOutput(child, '"relay serves"');
  const lines = child.output().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === "relay serves").url;
}
