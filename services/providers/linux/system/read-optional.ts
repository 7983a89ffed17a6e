// Files that a machine may or may not have.
import { readFile } from "node:fs/promises";

/** A small file's text; empty where the machine has none or keeps it from this user. */
export async function readOptional(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // A field that the machine does not tell is empty, by the proto's contract.
    return "";
  }
}
