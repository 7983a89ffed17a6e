// Every change that a simulated host carried out, one line each, written with one system call at the end of the file: what
// stands there happened, whoever was killed since.
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** One line of the file. */
export interface Execution {
  readonly hostId: string;
  readonly name: string;
  readonly commandId: string;
  /** "manageService". */
  readonly method: string;
  /** Units or packages that it changed. */
  readonly subjects: readonly string[];
  /** RFC 3339, by the clock of this machine. */
  readonly time: string;
}

export interface ExecutionsFile {
  append(execution: Execution): void;
  close(): void;
}

/** Opens the file for appending, or makes it; several processes may. */
export function openExecutionsFile(path: string): ExecutionsFile {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, "a");
  return {
    append: (execution) => void writeSync(file, `${JSON.stringify(execution)}\n`),
    close: () => closeSync(file),
  };
}
