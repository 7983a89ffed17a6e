// A run as a stream of its accounting. Whoever follows it may go away at any time; the run goes on and can be read later.
import type { Accounting } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { pause } from "../../shared/pause.js";
import type { TrackedRun } from "./tracked-run.js";

const progressIntervalMs = 100;

/** Gives the accounting when it changed, at most once per 100 ms, until the run is concluded or the signal aborts. */
export async function* followProgress(run: TrackedRun, signal: AbortSignal): AsyncGenerator<Accounting> {
  let changed = false;
  let wake: () => void = () => {};
  const notice = () => {
    changed = true;
    wake();
  };
  // A run that cannot be stored rejects; its follower is told so by run.concluded itself, not here.
  const over = new AbortController();
  const end = () => {
    over.abort();
    notice();
  };
  run.concluded.then(end, end);
  const cut = AbortSignal.any([over.signal, signal]);
  const stopListening = run.onChange(notice);
  signal.addEventListener("abort", notice, { once: true });
  try {
    while (!run.isConcluded && !signal.aborted) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      await pause(progressIntervalMs, cut);
      changed = false;
      if (!run.isConcluded && !signal.aborted) yield run.account.toMessage();
    }
  } finally {
    stopListening();
    signal.removeEventListener("abort", notice);
  }
}
