// Names as the kernel has them, which are bytes, as text.
import { isUtf8 } from "node:buffer";

/** Up to the first zero, or all of it, or all of that part of it. A byte that is not UTF-8 is told as \xNN. */
export function textUntilZero(bytes: Buffer, from = 0, to = bytes.length): string {
  // Views cost more than the names do that are in them.
  let at = from;
  let seen = 0;
  for (let byte = bytes[at]; at < to && byte; byte = bytes[++at]) seen |= byte;
  if (seen < 0x80) return bytes.toString("latin1", from, at);
  const name = bytes.subarray(from, at);
  return isUtf8(name) ? name.toString("utf8") : escapeBytes(name);
}

function escapeBytes(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = characterBytes(bytes, at);
    text += length > 0 ? bytes.toString("utf8", at, at + length) : `\\x${bytes.toString("hex", at, at + 1)}`;
    at += Math.max(length, 1);
  }
  return text;
}

// Of the character that begins there; 0 when none does.
function characterBytes(bytes: Buffer, at: number): number {
  return [1, 2, 3, 4].find((length) => at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length))) ?? 0;
}
