// Processes that hold their connections and say nothing.
import { withDescendants } from "./process-usage.js";

/** Stops these processes and all below them during `work`. */
export async function freezeWhile<Value>(pids: readonly number[], work: () => Promise<Value>): Promise<Value> {
  const all = pids.flatMap(withDescendants);
  const signalAll = (signal: NodeJS.Signals) => {
    for (const pid of all) process.kill(pid, signal);
  };
  signalAll("SIGSTOP");
  try {
    return await work();
  } finally {
    signalAll("SIGCONT");
  }
}
