// Looks at profiled processes again and again, one look at a time.
import { settled } from "../../../shared/settled.js";
import { type AddressSpaces, keyOf } from "./address-spaces.js";
import type { ProfiledProcess } from "./decode-profile.js";

export interface Learning {
  /** Looks at these processes once more, after the look that is under way. */
  look(processes: readonly ProfiledProcess[]): Promise<void>;
  /** Ends after the look that is under way; rejects with what a look failed with. */
  stop(): Promise<void>;
}

// A process that lives shorter may end before anybody sees what it has in memory.
const lookEveryMs = 25;
// Looks at new processes, for each look at all that ran meanwhile: they may have loaded more code.
const looksPerRefresh = 40;

export function learnWhile(spaces: AddressSpaces, takeSeen: () => Promise<readonly ProfiledProcess[]>): Learning {
  const ranSince = new Map<string, ProfiledProcess>();
  let looks = 0;
  let last: Promise<void> = Promise.resolve();
  let isBusy = false;
  let isStopped = false;
  let fault: unknown;

  const timer = setInterval(async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      const seen = await takeSeen();
      if (isStopped) return;
      for (const process of seen) ranSince.set(keyOf(process), process);
      if (++looks % looksPerRefresh === 0) await lookAgain();
      else await enqueue(seen, false);
    } catch (error) {
      fault = error;
    } finally {
      isBusy = false;
    }
  }, lookEveryMs);
  timer.unref();

  function lookAgain(): Promise<void> {
    const processes = [...ranSince.values()];
    ranSince.clear();
    return enqueue(processes, true);
  }

  function enqueue(processes: readonly ProfiledProcess[], again: boolean): Promise<void> {
    const look = last.then(() => spaces.learn(processes, again));
    // Who asked for the look is told of its failure; the next one begins all the same.
    last = settled(look);
    return look;
  }

  return {
    look: (processes) => enqueue(processes, true),
    async stop() {
      isStopped = true;
      clearInterval(timer);
      await last;
      if (fault) throw fault;
    },
  };
}
