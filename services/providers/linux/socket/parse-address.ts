// Addresses as text. /proc/net prints them as 32-bit words in the host's byte order, in hexadecimal.
import { endianness } from "node:os";

/** "0100007F" → "127.0.0.1"; 32 digits → IPv6 by RFC 5952, with v4-mapped addresses as "::ffff:10.0.0.1". */
export function parseAddress(digits: string, byteOrder: "LE" | "BE" = endianness()): string {
  const bytes = Buffer.from(digits, "hex");
  if (byteOrder === "LE") bytes.swap32();
  return formatAddress(bytes);
}

/** 4 or 16 bytes in network order as text. */
export function formatAddress(bytes: Buffer): string {
  return bytes.length === 4 ? formatIPv4(bytes) : formatIPv6(bytes);
}

function formatIPv4(bytes: Buffer): string {
  return bytes.join(".");
}

function formatIPv6(bytes: Buffer): string {
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  if (isMapped) return `::ffff:${formatIPv4(bytes.subarray(12))}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  const zeros = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  });
  return best;
}
