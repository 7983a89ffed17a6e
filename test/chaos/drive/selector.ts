// A planned selector as a control plane takes it, and the hosts that it must find.
import type { PlannedSelector } from "../schedule/schedule.js";
import type { World } from "../world/world.js";

/** The hosts are named in the world's order. */
export function resolveSelector(
  planned: PlannedSelector,
  { hosts, emulators }: Pick<World, "hosts" | "emulators">,
): { selector: string; hosts: readonly string[] } {
  if (planned.by === "all") return { selector: "all", hosts };
  if (planned.by === "label") {
    const group = planned.group % emulators.length;
    return { selector: `labels.group == '${group}'`, hosts: emulators[group]?.hosts ?? [] };
  }
  const indexes = new Set(planned.indexes.map((index) => index % hosts.length));
  const names = hosts.filter((_, index) => indexes.has(index));
  return { selector: names.join(", "), hosts: names };
}
