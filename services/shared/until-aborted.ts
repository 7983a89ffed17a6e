// Waiting no longer than a caller does.
import type { StopSignal } from "./stop-controller.js";

/**
 * The promise's outcome, or a rejection with the signal's reason as soon as it is aborted. What the promise stands for goes on: for
 * work that cannot be stopped, such as a system call on a file system that does not answer.
 */
export function untilAborted<Value>(promise: Promise<Value>, signal: StopSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const settled = (value: Value) => {
      signal.removeEventListener("abort", abort);
      resolve(value);
    };
    const failed = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      reject(error);
    };
    promise.then(settled, failed);
  });
}
