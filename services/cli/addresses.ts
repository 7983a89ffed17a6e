// Where a running `up` listens, left in its state directory for the other verbs.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** URLs of one control plane. */
export interface Addresses {
  /** Absent when MCP is served on the standard streams alone. */
  readonly mcp?: string;
  readonly grpc: string;
  /** Absent when its relays are processes of their own. */
  readonly relay?: string;
  /** Present when relays of other processes are served. */
  readonly bus?: string;
}

/** Writes them in one step. */
export function writeAddresses(stateDirectory: string, addresses: Addresses): void {
  const path = join(stateDirectory, "addresses.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(addresses)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Takes them away again. */
export function forgetAddresses(stateDirectory: string): void {
  rmSync(join(stateDirectory, "addresses.json"), { force: true });
}

/** The addresses that were last written there; undefined when none were. */
export function readAddresses(stateDirectory: string): Addresses | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDirectory, "addresses.json"), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
