// Addresses of 16 bytes, where IPv4 is ::ffff:a.b.c.d, as text; and networks and ports as users write them.
import { isIP } from "node:net";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { NativeNetwork } from "./native-capture.js";

const mappedPrefix = Buffer.from("00000000000000000000ffff", "hex");

export function isMappedAddress(bytes: Buffer): boolean {
  return mappedPrefix.equals(bytes.subarray(0, mappedPrefix.length));
}

/** 192.0.2.1 for a mapped address; otherwise as RFC 5952 wants it. */
export function formatAddress(bytes: Buffer): string {
  if (isMappedAddress(bytes)) return bytes.subarray(mappedPrefix.length).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(":");
  return `${groups.slice(0, zeros.at).join(":")}::${groups.slice(zeros.at + zeros.length).join(":")}`;
}

function longestZeros(groups: readonly string[]): { at: number; length: number } {
  let longest = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > longest.length) longest = { at, length };
  }
  return longest;
}

/** 10.0.0.0/8, 2001:db8::/32, or an address alone. Fails with INVALID_ARGUMENT. */
export function parseNetwork(text: string): NativeNetwork {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const isValid = rest.length === 0 && family !== 0 && !address.includes("%");
  if (!isValid || (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most))) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `${JSON.stringify(text)} is no network`, {
      metadata: { field: "networks", rule: "cidr" },
      remedy: "write an address and how many of its bits count: 10.0.0.0/8, 2001:db8::/32, or an address alone",
    });
  }
  return { address, bits: bits === undefined ? most : Number(bits) };
}

/** Fails with INVALID_ARGUMENT for what no port can be. */
export function checkPort(port: number): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw failure(ErrorReason.INVALID_ARGUMENT, `${port} is no port`, {
    metadata: { field: "ports", rule: "port" },
    remedy: "give a number from 1 to 65535",
  });
}
