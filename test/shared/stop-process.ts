// Processes that hold their connections and say nothing.
import { readdirSync, readFileSync } from "node:fs";
import { waitFor } from "./wait-for.js";

/** SIGSTOP. Resolves when all its threads stand: the signal alone lets each go on until the kernel has it at hand. */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const stands = () => readdirSync(`/proc/${pid}/task`).every((tid) => stateOfThread(pid, tid) === "T");
  await waitFor(stands, `process ${pid} to stand`);
}

/** The kernel's letter; undefined when it has ended. */
function stateOfThread(pid: number, tid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, "latin1");
    return stat.charAt(stat.lastIndexOf(")") + 2);
  } catch (error) {
    // The next look does not find it in the list.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
