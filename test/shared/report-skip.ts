// Suites that need something of their machine say why they are skipped; in CI none may be.

/** Prints why suites are skipped, or throws where none may be. `lack` is what the machine does not have. */
export function reportSkip(lack: string, reason: string, inCi: boolean): void {
  if (inCi) throw new Error(`in CI every suite must run, but this machine has no ${lack}: ${reason}`);
  console.warn(`skipped, this machine has no ${lack}: ${reason}`);
}
