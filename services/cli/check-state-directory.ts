// Whether a daemon could keep its state in a directory: tried, and nothing is left of it.
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ErrorReason, failure } from "../shared/errors.js";

/** The directory, or the one in which it can be made. Throws STORAGE_FAILED. */
export function checkStateDirectory(directory: string): string {
  const existing = nearestExisting(resolve(directory));
  try {
    rmdirSync(mkdtempSync(join(existing, ".systems-manager-")));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw failure(ErrorReason.STORAGE_FAILED, `nothing can be written to ${existing}: ${code}`, {
      metadata: { path: existing },
      remedy: "run the daemon as a user who can write there, or give another --state-dir",
      cause,
    });
  }
  return existing === directory ? directory : `${directory}, which can be made in ${existing}`;
}

function nearestExisting(directory: string): string {
  return existsSync(directory) ? directory : nearestExisting(dirname(directory));
}
