// The heap of a process that many hosts talk to. What comes and goes on their connections lies in buffers outside the heap, which
// V8 counts as growth of the heap all the same; and a process that has been idle it lets grow by a third only. With the small heap
// of a relay it would look through everything three times a second: a third of the processor time under load.
import { setFlagsFromString } from "node:v8";

/** The next full collection comes when so many percent were added to what the one before left. */
const growingPercent = 200;

/** Called before the rest of the program is loaded. */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
}
