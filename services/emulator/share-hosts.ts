// How many hosts a process can carry, and from which addresses they dial.
import { readFileSync } from "node:fs";
import { ErrorReason, failure } from "../shared/errors.js";

/** Numbers of hosts: first to last, not including that. */
export interface HostRange {
  readonly first: number;
  readonly last: number;
}

const hostsPerProcess = 4_000;
// Journal, log, pipes and what Node itself holds open.
const otherFiles = 100;
// Of one address to one relay, with room for those that just closed.
const connectionsPerAddress = 10_000;

/** Even ranges, one for each process; as many processes as the hosts need when no number is given. Throws INVALID_ARGUMENT. */
export function shareHosts(hosts: number, wanted?: number): HostRange[] {
  const processes = Math.min(hosts, wanted ?? Math.ceil(hosts / hostsPerProcess));
  const ranges = Array.from({ length: processes }, (_, index) => ({
    first: Math.floor((hosts * index) / processes),
    last: Math.floor((hosts * (index + 1)) / processes),
  }));
  const most = Math.ceil(hosts / processes);
  const limit = openFilesLimit();
  if (most + otherFiles > limit) throw tooManyFiles(most, limit, Math.ceil(hosts / (limit - otherFiles)));
  return ranges;
}

/** "127.0.0.2-127.0.0.9", or one address: each of them. Throws INVALID_ARGUMENT. */
export function parseSourceAddresses(text: string): string[] {
  const [first, last, ...rest] = text.split("-").map(addressNumber);
  const count = (last ?? first ?? 0) - (first ?? 0) + 1;
  if (first === undefined || Number.isNaN(count) || count < 1 || count > 65_536 || rest.length > 0) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `${JSON.stringify(text)} is no range of IPv4 addresses`, {
      metadata: { field: "--source-addresses", rule: "FIRST-LAST" },
      remedy: "give one such as 127.0.0.2-127.0.0.9",
    });
  }
  return Array.from({ length: count }, (_, index) => addressText(first + index));
}

/** Addresses that hosts dial relays of this machine from, so that its ports last; none for relays elsewhere. */
export function defaultSourceAddresses(relayUrls: readonly string[], hosts: number): string[] {
  const local = relayUrls.every((url) => new URL(url).hostname.startsWith("127."));
  const needed = Math.ceil(hosts / connectionsPerAddress);
  return local && needed > 1 ? Array.from({ length: needed }, (_, index) => `127.0.0.${2 + index}`) : [];
}

function addressNumber(text: string): number {
  const parts = text.trim().split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return Number.NaN;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

// Node raises its own soft limit to the hard one at start, and so do the children.
function openFilesLimit(): number {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return line?.[1] === undefined || line[1] === "unlimited" ? Number.POSITIVE_INFINITY : Number(line[1]);
}

function tooManyFiles(hosts: number, limit: number, processes: number) {
  return failure(
    ErrorReason.INVALID_ARGUMENT,
    `${hosts} hosts in one process need ${hosts + otherFiles} open files, and ulimit -n is ${limit}`,
    {
      metadata: { field: "--processes", rule: "ulimit -n" },
      remedy: `give --processes ${processes} or more, or raise ulimit -n`,
    },
  );
}
