// Whether strace can trace here: tried on a program that does nothing.
import { findProgram } from "../find-program.js";
import { runProgram } from "../run-program.js";

const timeoutMs = 5_000;

/** Throws PROGRAM_MISSING without strace, and COMMAND_FAILED where it may not trace. */
export async function tryStrace(): Promise<void> {
  await findProgram("setpriv");
  const signal = AbortSignal.timeout(timeoutMs);
  await runProgram("strace", ["-qq", "-e", "trace=none", await findProgram("true")], { signal });
}
