// The filter of a capture, asked of events in the daemon: what the kernel's programs do where there are any.
import { BlockList, isIPv6 } from "node:net";
import type { EventPath } from "../capture/decode-file.js";
import type { SocketEnds } from "../capture/decode-network.js";
import { checkPort, parseNetwork } from "../capture/network-address.js";
import type { CaptureFilter } from "../capture/open-capture.js";
import type { UnnumberedEvent } from "./read-events.js";

export type EventMatcher = (event: UnnumberedEvent) => boolean;

/** What is traced is within the filter's roots. Throws INVALID_ARGUMENT for a port or a network that is none. */
export function matcherOf(filter: CaptureFilter): EventMatcher {
  const { pids = [], cgroups = [], users = [], comms = [], paths = [], ports = [], networks = [] } = filter;
  ports.forEach(checkPort);
  const blocks = networks.length === 0 ? undefined : blocksOf(networks);
  const holds = <Value>(values: readonly Value[], value: Value) => values.length === 0 || values.includes(value);
  return (event) => {
    const { pid, cgroup, user, comm } = event.subject;
    if (!holds(pids, pid) || !holds(cgroups, cgroup) || !holds(users, user) || !holds(comms, comm)) return false;
    if (paths.length > 0 && !pathsOf(event).every((some) => some.some((path) => isBelow(path, paths)))) return false;
    const ends = endsOf(event);
    if (!ends) return true;
    const { local, remote } = ends;
    if (ports.length > 0 && !ports.includes(local.port) && !ports.includes(remote.port)) return false;
    return !blocks || [local, remote].some(({ address }) => isWithin(blocks, address));
  };
}

// Alternatives of which one has to match; none for what has no path, of which it is not asked.
function pathsOf(event: UnnumberedEvent): string[][] {
  if ("from" in event && "to" in event) return [[wholePath(event.from as EventPath), wholePath(event.to as EventPath)]];
  return "path" in event ? [[wholePath(event as unknown as EventPath)]] : [];
}

function wholePath({ path, directory }: EventPath): string {
  if (directory === undefined) return path;
  return `${directory === "/" ? "" : directory}/${path}`;
}

function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`));
}

function endsOf(event: UnnumberedEvent): SocketEnds | undefined {
  return "local" in event && "remote" in event ? (event as unknown as SocketEnds) : undefined;
}

function blocksOf(networks: readonly string[]): BlockList {
  const blocks = new BlockList();
  for (const { address, bits } of networks.map(parseNetwork)) {
    blocks.addSubnet(address, bits, isIPv6(address) ? "ipv6" : "ipv4");
  }
  return blocks;
}

function isWithin(blocks: BlockList, address: string): boolean {
  return address !== "" && blocks.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
