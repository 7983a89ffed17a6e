// A run as a stream of its accounting. Whoever follows it may go away at any time; the run goes on and can be read later.
import type { Accounting } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { onAbort } from "../../shared/on-abort.js";
import type { TrackedRun } from "./tracked-run.js";

const progressIntervalMs = 100;

/** Gives the accounting when it changed, at most once per 100 ms, until the run is concluded or one of the signals aborts. */
export async function* followProgress(run: TrackedRun, ends: readonly AbortSignal[]): AsyncGenerator<Accounting> {
  const changes = new Changes();
  // A run that cannot be stored rejects; its follower is told so by run.concluded itself, not here.
  const over = () => changes.end();
  run.concluded.then(over, over);
  const stopListening = [run.onChange(() => changes.note()), ...ends.map((signal) => onAbort(signal, over))];
  const isOver = () => run.isConcluded || ends.some(({ aborted }) => aborted);
  try {
    while (!isOver()) {
      await changes.next();
      if (isOver()) break;
      await changes.pause(progressIntervalMs);
      if (!isOver()) yield run.account.toMessage();
    }
  } finally {
    for (const stop of stopListening) stop();
  }
}

/** Waits for changes, and between them, until the end. */
class Changes {
  #noted = false;
  #ended = false;
  #wakeNext: () => void = () => undefined;
  #cutPause: () => void = () => undefined;

  note(): void {
    this.#noted = true;
    this.#wakeNext();
  }

  end(): void {
    this.#ended = true;
    this.#wakeNext();
    this.#cutPause();
  }

  /** Resolves when something changed since it was asked last. */
  async next(): Promise<void> {
    if (!this.#noted && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeNext = resolve;
      });
    }
  }

  /** Resolves after so long, or at the end. */
  async pause(milliseconds: number): Promise<void> {
    if (!this.#ended) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#cutPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#noted = false;
  }
}
