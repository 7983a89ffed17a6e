// Where a process keeps its state unless it is told. Apart, because every verb says it in its options and few use what is there.
import { homedir } from "node:os";
import { join } from "node:path";

/** Default state directory: /var/lib/systems-manager for root, the XDG state home for others. */
export function defaultStateDirectory(): string {
  if (process.env.SYSTEMS_MANAGER_STATE) return process.env.SYSTEMS_MANAGER_STATE;
  if (process.getuid?.() === 0) return "/var/lib/systems-manager";
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state"), "systems-manager");
}
