// Files that options name.
import { readFileSync } from "node:fs";
import { ErrorReason, failure } from "../shared/errors.js";

/** Text of the file that an option names. INVALID_ARGUMENT when it is missing or cannot be read. */
export function readOptionFile(option: string, path: string | undefined): string {
  const invalid = (problem: string, cause?: unknown) =>
    failure(ErrorReason.INVALID_ARGUMENT, `${option} ${problem}`, { metadata: { field: option }, cause });
  if (path === undefined) throw invalid("is needed too");
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(`${JSON.stringify(path)} cannot be read: ${(cause as Error).message}`, cause);
  }
}
