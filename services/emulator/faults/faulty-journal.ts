// A journal on a disk that is full at times, of a process that may be killed at any moment.
import type { Journal } from "../../daemon/journal.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { FaultyHost } from "./faulty-host.js";

/** The journal of one life of a host: what `isAlive` ends can write no more, and learns of no write any more. */
export function createFaultyJournal(journal: Journal, host: FaultyHost, isAlive: () => boolean): Journal {
  function orFail<Arguments extends unknown[], Result>(write: (...values: Arguments) => Promise<Result>) {
    return async (...values: Arguments): Promise<Result> => {
      if (!isAlive()) throw killed();
      if (host.happens(host.faults().diskFull)) {
        host.counters.faultsOfDisk++;
        throw diskFull();
      }
      const result = await write(...values);
      if (!isAlive()) throw killed();
      return result;
    };
  }
  return { ...journal, write: orFail(journal.write), nextAttachment: orFail(journal.nextAttachment) };
}

/** What the parts of a killed daemon meet when they go on. */
export function killed(): Error {
  return failure(ErrorReason.UNREACHABLE, "fault: this daemon was killed", { remedy: "it comes back by itself" });
}

function diskFull(): Error {
  const cause = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  return failure(ErrorReason.STORAGE_FAILED, `cannot write the journal: ${cause.message}`, {
    metadata: { path: "journal" },
    remedy: "free disk space on the host",
    cause,
  });
}
