// A capture by strace, for hosts whose kernel gives none: of given processes alone, and at their cost.
import { isDeepStrictEqual } from "node:util";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { CaptureFilter, CaptureOptions } from "../capture/open-capture.js";
import type { EventCapture } from "../trace/event-capture.js";
import { EventQueue } from "./event-queue.js";
import { matcherOf } from "./match-filter.js";
import { ProcessTable, treeOf } from "./process-table.js";
import { EventReader } from "./read-events.js";
import { runStrace } from "./run-strace.js";
import { callsOf, requireStraceKinds } from "./strace-kinds.js";

/** How many times slower a program gets that does nothing but open and close a file; strace-capture.test.ts measures it. */
export const straceSlowdown = 35;

/** What the reader of a session by strace has to know. */
export const straceNotes: readonly string[] = [
  `traced with strace, which slows what it traces about ${straceSlowdown} times where that does nothing but system calls`,
  "a connect that does not wait is told with EINPROGRESS, a signal to a group of processes once, and no CPU is told",
];

/**
 * Traces the processes of the filter, and all that its roots start. Rejects with UNSUPPORTED for kinds that strace cannot tell, and for
 * a filter without pids and roots; with PROGRAM_MISSING, PRIVILEGE_MISSING or UNKNOWN_PROCESS.
 */
export async function openStraceCapture(options: CaptureOptions): Promise<EventCapture> {
  const { filter = {}, eventsPerSecond = 0 } = options;
  const kinds = requireStraceKinds(options.kinds);
  const pids = targetsOf(filter);
  const queue = new EventQueue(matcherOf(filter));
  queue.eventsPerSecond = eventsPerSecond;
  const processes = new ProcessTable();
  for (const pid of pids) processes.addProcess(pid);
  const reader = new EventReader(kinds, processes, queue);
  const run = await runStrace({ pids, calls: callsOf(kinds), onLine: (line) => reader.read(line) });
  let closing: ReturnType<EventCapture["close"]> | undefined;
  return {
    backend: "strace",
    notes: straceNotes,
    events: () => queue.batches(),
    accounts: () => queue.accounts(),
    setFilter(next) {
      requireSameTargets(filter, next);
      queue.matches = matcherOf(next);
    },
    setEventsPerSecond(rate) {
      queue.eventsPerSecond = rate;
    },
    close() {
      closing ??= run.end().then(() => {
        queue.end();
        return queue.accounts();
      });
      return closing;
    },
  };
}

// The daemon reads what strace writes: traced itself, each would wait for the other.
function targetsOf({ pids = [], roots = [] }: CaptureFilter): number[] {
  const wanted = roots.length > 0 ? roots.flatMap(treeOf) : pids;
  if (wanted.length === 0) {
    throw failure(ErrorReason.UNSUPPORTED, "strace cannot trace a whole system", {
      metadata: { operation: "strace", needs: "pids or roots" },
      remedy: "name processes: pids, or roots with all that they start",
    });
  }
  const targets = [...new Set(wanted)].filter((pid) => pid !== process.pid);
  if (targets.length > 0) return targets;
  throw failure(ErrorReason.INVALID_ARGUMENT, "the daemon cannot trace itself with strace", {
    metadata: { field: "filter.pids", rule: "strace.other_process" },
    remedy: "name other processes",
  });
}

function requireSameTargets(before: CaptureFilter, next: CaptureFilter): void {
  const sorted = ({ pids = [], roots = [] }: CaptureFilter) => [[...pids].sort(), [...roots].sort()];
  if (isDeepStrictEqual(sorted(before), sorted(next))) return;
  throw failure(ErrorReason.UNSUPPORTED, "strace stays with the processes that it was started for", {
    metadata: { operation: "setFilter", needs: "the same pids and roots" },
    remedy: "start another session for other processes",
  });
}
