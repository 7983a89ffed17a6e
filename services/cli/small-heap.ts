// The memory of a process that mostly waits. V8 lets its young generation grow while a program loads, and keeps what it grew to; and it
// compiles what runs often while loading, which once loaded hardly runs again: together a fifth of an idle daemon's memory.
import { setFlagsFromString } from "node:v8";

// Long enough to be loaded and attached. What is asked before is answered by code that is not optimized yet.
const loadingMs = 10_000;

/** Called before the rest of the program is loaded. */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--optimize-for-size");
  setFlagsFromString("--no-opt");
  setTimeout(() => setFlagsFromString("--opt"), loadingMs).unref();
}
