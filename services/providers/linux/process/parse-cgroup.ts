// Text of /proc/PID/cgroup.

/**
 * The cgroup path that tells most: systemd's own hierarchy where there is one (cgroup v1 and hybrid hosts), else the unified one.
 * Empty when the process is in neither.
 */
export function parseCgroup(text: string): string {
  const hierarchies = new Map<string, string>();
  for (const line of text.split("\n")) {
    const found = /^\d+:([^:]*):(.*)$/.exec(line);
    if (found) hierarchies.set(found[1] as string, found[2] as string);
  }
  return hierarchies.get("name=systemd") ?? hierarchies.get("") ?? "";
}
