// The heap of a process that mostly waits. V8 lets its young generation grow while a program loads, and keeps what it grew to: a
// fifth of an idle daemon's memory for nothing.
import { setFlagsFromString } from "node:v8";

/** Called before the rest of the program is loaded. */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--optimize-for-size");
}
