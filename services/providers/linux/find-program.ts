// Where programs of the host may come from: directories that only root can write to, whatever PATH says.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { ErrorReason, failure } from "../../shared/errors.js";

/** Searched in this order. The last one is where NixOS links the programs of the system. */
export const trustedDirectories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/run/current-system/sw/bin"] as const;

// What to install when a program is missing, where the package has another name than the program.
const packageOf: Readonly<Record<string, string>> = {
  systemctl: "systemd",
  journalctl: "systemd",
  "apt-get": "apt",
  "apt-cache": "apt",
  "dpkg-query": "dpkg",
  "pacman-conf": "pacman",
  setpriv: "util-linux",
};

/** The absolute path of a program, or undefined when no trusted directory has it. */
export async function lookUpProgram(name: string): Promise<string | undefined> {
  for (const directory of trustedDirectories) {
    const path = join(directory, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** The absolute path of a program. Throws PROGRAM_MISSING. */
export async function findProgram(name: string): Promise<string> {
  if (name.includes("/")) throw new TypeError(`give the program's name without a directory, not ${name}`);
  const path = await lookUpProgram(name);
  if (path) return path;
  const owner = packageOf[name] ?? name;
  throw failure(ErrorReason.PROGRAM_MISSING, `the host has no program ${name} in ${trustedDirectories.join(", ")}`, {
    metadata: { program: name, package: owner },
    remedy: `install the package ${owner}`,
  });
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Absent, not executable or not reachable: for the search these are the same.
    return false;
  }
}
