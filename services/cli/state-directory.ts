// Where a process keeps what must survive it: keys, token, journal, results.
import { homedir } from "node:os";
import { join } from "node:path";

/** Default state directory: /var/lib/systems-manager for root, the XDG state home for others. */
export function defaultStateDirectory(): string {
  if (process.env.SYSTEMS_MANAGER_STATE) return process.env.SYSTEMS_MANAGER_STATE;
  if (process.getuid?.() === 0) return "/var/lib/systems-manager";
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state"), "systems-manager");
}

/** Files of a state directory that more than one command uses. */
export function statePaths(directory: string) {
  return {
    token: join(directory, "token"),
    signingKey: join(directory, "fleet.key"),
    verifyingKey: join(directory, "fleet.pub"),
    fleet: join(directory, "fleet"),
    daemon: join(directory, "daemon"),
  };
}
