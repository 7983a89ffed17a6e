// Ends a program together with everything it started.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 20;

/** SIGTERM to the whole group, SIGKILL to what is left of it after the grace. Resolves when the group was told its last. */
export async function endProcessGroup(groupId: number, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  if (!signalGroup(groupId, "SIGTERM")) return;
  while (Date.now() < deadline) {
    await sleep(pollMs);
    if (!signalGroup(groupId, 0) || !hasLiveMember(groupId)) return;
  }
  signalGroup(groupId, "SIGKILL");
}

// False when the group has no process any more.
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

// A dead process counts as a member until its parent has asked for its exit code, which an adoptive parent may do late.
function hasLiveMember(groupId: number): boolean {
  return readdirSync("/proc").some((name) => /^\d+$/.test(name) && isLiveMember(`/proc/${name}/stat`, groupId));
}

function isLiveMember(statPath: string, groupId: number): boolean {
  try {
    const text = readFileSync(statPath, "latin1");
    // After the name, which may hold anything: state, parent, group (proc_pid_stat(5)).
    const [state, , group] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return Number(group) === groupId && state !== "Z" && state !== "X";
  } catch {
    // It ended during the walk.
    return false;
  }
}
