// The events of one kind while something happens, and programs that make system calls on demand.
import { spawnSync } from "node:child_process";
import type { CaptureEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import type { EventKind } from "../../../../services/providers/linux/capture/event-layout.js";
import type { Capture, CaptureFilter } from "../../../../services/providers/linux/capture/open-capture.js";
import { captureWhile, sumOf } from "./capture-under-test.js";

type EventOf<Kind extends EventKind> = Extract<CaptureEvent, { kind: Kind }>;

/**
 * Programs of these names below this process, and no others: files run side by side, and what one of them counts to the unit another
 * one runs as well.
 */
export function ownPrograms(...comms: string[]): CaptureFilter {
  return { comms, roots: [process.pid] };
}

/** Checks on the way that all attempts are accounted for, and that what was submitted is what came. */
export async function eventsOf<Kind extends EventKind>(
  kind: Kind,
  filter: CaptureFilter,
  action: (capture: Capture) => Promise<unknown> | unknown,
): Promise<EventOf<Kind>[]> {
  const { events, accounts } = await captureWhile({ kinds: [kind], filter }, action);
  const account = accounts[kind];
  if (account.attempted !== sumOf(account)) throw new Error(`${kind} has an account of ${JSON.stringify(account)}`);
  if (events.length !== account.submitted)
    throw new Error(`${account.submitted} were submitted, ${events.length} came`);
  return events.filter((event): event is EventOf<Kind> => event.kind === kind);
}

/** Runs a script in a process whose name is "perl". Throws when the script does. */
export function perl(script: string, args: readonly string[] = [], cwd?: string): void {
  const { status, stderr } = spawnSync("perl", ["-e", script, ...args], { encoding: "utf8", ...(cwd ? { cwd } : {}) });
  if (status !== 0) throw new Error(`perl ended with ${status}: ${stderr}`);
}

/** Numbers of system calls that are not the same on every machine. */
export const systemCall =
  process.arch === "arm64"
    ? { finitModule: 273, sendfile: 71, copyFileRange: 285, nameToHandleAt: 264, openByHandleAt: 265 }
    : { finitModule: 313, sendfile: 40, copyFileRange: 326, nameToHandleAt: 303, openByHandleAt: 304 };
