// Which of two presences of a host is the newer one.
import type { Presence } from "../../gen/systemsmanager/bus/v1/host_pb.js";

/** True when the next presence replaces the current one: a word about an older attachment never does. */
export function supersedes(next: Presence, current: Presence | undefined): boolean {
  return current === undefined || next.attachment >= current.attachment;
}
