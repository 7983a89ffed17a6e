// A stable identity for the host that does not give its machine id away.
import { createHmac, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ErrorReason, failure } from "../../../shared/errors.js";

// machine-id(5) asks applications to hash the id with a key of their own rather than show it.
const applicationKey = "systems-manager/host-id/v1";

/** Where the machine id may be, and where an own id is kept on a host without one. */
export interface HostIdPaths {
  readonly machineIdFiles: readonly string[];
  /** The daemon's state directory; without it a host without machine id is an error. */
  readonly stateDirectory?: string | undefined;
}

/** The places of every distribution. */
export const standardMachineIdFiles: readonly string[] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/**
 * 32 hexadecimal digits, the same as long as the machine id is. A host without a machine id gets a random one, kept in `host-id` of the
 * state directory. Throws STORAGE_FAILED when there is neither.
 */
export function readHostId({ machineIdFiles, stateDirectory }: HostIdPaths): string {
  for (const path of machineIdFiles) {
    const machineId = parseMachineId(readIfPresent(path));
    if (machineId !== undefined) return hashMachineId(machineId);
  }
  if (stateDirectory !== undefined) return hashMachineId(readOrCreateOwnId(join(stateDirectory, "host-id")));
  throw failure(ErrorReason.STORAGE_FAILED, `the host has no machine id in ${machineIdFiles.join(" or ")}`, {
    metadata: { path: machineIdFiles[0] ?? "" },
    remedy: "make one with `systemd-machine-id-setup` or `dbus-uuidgen --ensure=/etc/machine-id`",
  });
}

/** The id in a machine-id file; undefined when there is none yet ("uninitialized", empty) or it is not an id. */
export function parseMachineId(text: string | undefined): string | undefined {
  const id = text?.trim().toLowerCase();
  return id !== undefined && /^[0-9a-f]{32}$/.test(id) && !/^0+$/.test(id) ? id : undefined;
}

/** First 32 hexadecimal digits of HMAC-SHA256 over the id. */
export function hashMachineId(machineId: string): string {
  return createHmac("sha256", applicationKey).update(machineId).digest("hex").slice(0, 32);
}

function readOrCreateOwnId(path: string): string {
  const existing = readIfPresent(path);
  if (existing === undefined) {
    const created = randomBytes(16).toString("hex");
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${created}\n`, { mode: 0o600, flag: "wx" });
    return created;
  }
  const id = parseMachineId(existing);
  if (id !== undefined) return id;
  // A new id would make this a new host in the fleet without anybody's knowledge.
  throw failure(ErrorReason.STORAGE_FAILED, `${path} does not hold a host id of 32 hexadecimal digits`, {
    metadata: { path },
    remedy: "restore the file, or remove it to make this a new host",
  });
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
