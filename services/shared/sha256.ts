// SHA-256 of a few bytes, many times a second. Digests are taken from node:crypto as text, because a buffer that it makes costs more
// than the hash itself.
import { hash } from "node:crypto";

/** The digest, 32 bytes. */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(sha256Text(bytes), "latin1");
}

/** The digest with one character for each byte. */
export function sha256Text(bytes: Uint8Array): string {
  return hash("sha256", bytes, "binary");
}
