// Names that mean one host each. Host names can collide (a machine that was installed again, two images of one): the
// plain name then belongs to the one that is online, else to the one that was seen last, and the others carry a suffix
// of their host id ("web-1~3f9a1c"). Two that are online at the same time both carry it, so that neither takes the other's place.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Presence } from "../../gen/systemsmanager/bus/v1/host_pb.js";

/** The name of each of these presences, which all claim the same one, by host id. */
export function assignNames(claimants: readonly Presence[]): Map<string, string> {
  const online = claimants.filter((presence) => presence.online);
  const owner = online.length > 1 ? undefined : (online[0] ?? lastSeen(claimants));
  return new Map(
    claimants.map((presence) => [hostIdOf(presence), presence === owner ? plain(presence) : suffixed(presence)]),
  );
}

function lastSeen(claimants: readonly Presence[]): Presence | undefined {
  return [...claimants].sort((a, b) => seenAt(b) - seenAt(a) || (hostIdOf(a) < hostIdOf(b) ? -1 : 1))[0];
}

function seenAt(presence: Presence): number {
  return presence.at ? timestampMs(presence.at) : 0;
}

function hostIdOf(presence: Presence): string {
  return presence.facts?.hostId ?? "";
}

function plain(presence: Presence): string {
  return presence.facts?.name ?? "";
}

function suffixed(presence: Presence): string {
  return `${plain(presence)}~${hostIdOf(presence).slice(0, 6)}`;
}
