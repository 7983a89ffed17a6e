// Stacks that do not reach the begin of their thread, because code without frame pointers hid its callers.
import type { Frame, ProfileStack } from "./symbolize.js";

// Every thread begins in one of these: of C libraries, of Go, of programs without a C library.
const begins =
  /^(_start|__?libc_start\w*|_dl_start\w*|start_thread|__?clone3?|clone|thread_start|runtime\.(goexit|mstart|rt0_go)(\.abi0)?)$/;
const cLibrary = /\/(libc|ld)[-.][^/]*$|\/(ld-linux|ld-musl)[^/]*$|\/libpthread[^/]*$/;

/** Samples with such a stack. At least: a stack that lost its middle and found its begin is not among them. */
export function countEndedEarly(stacks: readonly ProfileStack[]): number {
  return stacks.reduce((sum, { frames, count }) => sum + (endsEarly(frames) ? count : 0), 0);
}

function endsEarly(frames: readonly Frame[]): boolean {
  const [outermost] = frames;
  // Kernel threads, and stacks that are counted as lost or unreadable.
  if (!outermost || outermost.file === "[kernel]" || outermost.name.startsWith("[stack ")) return false;
  if (outermost.kind === "native") return !begins.test(outermost.name);
  // A C library without names begins threads in functions that it does not export.
  return !(cLibrary.test(outermost.file) && frames.filter(({ file }) => file !== "[kernel]").length > 1);
}
