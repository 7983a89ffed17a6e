// Where a process keeps what must survive it: keys, token, journal, results.
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { ErrorReason, failure } from "../shared/errors.js";

// The system's limit for the path of a socket.
const maxSocketPathBytes = 107;

/** Files of a state directory that more than one command uses. */
export function statePaths(directory: string) {
  return {
    token: join(directory, "token"),
    relayToken: join(directory, "relay.token"),
    signingKey: join(directory, "fleet.key"),
    verifyingKey: join(directory, "fleet.pub"),
    fleet: join(directory, "fleet"),
    daemon: join(directory, "daemon"),
    lock: join(directory, "lock.sock"),
  };
}

/**
 * Keeps the directory to this process until closed. The lock is a listening socket, which the kernel gives up with the process.
 * STORAGE_FAILED when another process holds it.
 */
export async function lockStateDirectory(directory: string): Promise<{ close(): Promise<void> }> {
  const { lock } = statePaths(directory);
  if (await isStateDirectoryLocked(directory)) throw inUse(directory);
  try {
    // A longer one would be cut without a word, and then be another directory's too.
    if (Buffer.byteLength(lock) > maxSocketPathBytes)
      throw new Error(`${lock} is longer than ${maxSocketPathBytes} bytes`);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    rmSync(lock, { force: true });
    const server = createServer((socket) => socket.destroy()).listen(lock);
    await once(server, "listening");
    return { close: () => new Promise((resolve) => server.close(() => resolve())) };
  } catch (cause) {
    throw failure(ErrorReason.STORAGE_FAILED, `the state directory cannot be used: ${(cause as Error).message}`, {
      metadata: { path: directory },
      remedy: "give a --state-dir that can be written and has a short path",
      cause,
    });
  }
}

// Nobody listens, or no socket can be there at all; whether the directory can be used is seen when it is.
const unlocked = new Set(["ENOENT", "ECONNREFUSED", "ENOTDIR", "EINVAL", "ENAMETOOLONG"]);

/** True while a process holds the directory. */
export async function isStateDirectoryLocked(directory: string): Promise<boolean> {
  const socket = connect(statePaths(directory).lock);
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    if (unlocked.has((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}

function inUse(directory: string) {
  return failure(ErrorReason.STORAGE_FAILED, `the state directory ${directory} is in use by another process`, {
    metadata: { path: directory },
    remedy: "end that process, or give another --state-dir",
  });
}
