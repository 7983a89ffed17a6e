// Container or hypervisor below this host, in the terms of systemd-detect-virt.
import { readlink, stat } from "node:fs/promises";
import { readOptional } from "./read-optional.js";

/** Everything that gives a hypervisor or container away. Empty where there is nothing. */
export interface VirtualizationSigns {
  /** Value of container= in the environment of pid 1, or of /run/systemd/container. */
  readonly container: string;
  /** Marker files of container engines that exist. */
  readonly markers: readonly string[];
  /** Whether this is the kernel's first pid namespace. A marker there is left over from the image the disk was made of. */
  readonly inFirstPidNamespace: boolean;
  /** DMI vendor and product. */
  readonly dmi: string;
  readonly cpuInfo: string;
  /** Clock sources: a paravirtual one names its hypervisor where there is no DMI. */
  readonly clockSources: string;
  /** /sys/hypervisor/type. */
  readonly hypervisorType: string;
}

const containerMarkers: Readonly<Record<string, string>> = {
  "/.dockerenv": "docker",
  "/run/.containerenv": "podman",
  "/dev/lxd": "lxc",
};

// PROC_PID_INIT_INO of include/linux/proc_ns.h.
const firstPidNamespace = "pid:[4026531836]";

// By DMI vendor or product.
const hypervisorsByDmi: readonly (readonly [RegExp, string])[] = [
  [/vmware/i, "vmware"],
  [/virtualbox|innotek/i, "oracle"],
  [/microsoft corporation.*virtual machine/i, "microsoft"],
  [/\bxen\b/i, "xen"],
  [/parallels/i, "parallels"],
  [/bhyve/i, "bhyve"],
  [/amazon ec2/i, "amazon"],
  [/google compute engine/i, "google"],
  [/qemu|\bkvm\b|openstack|digitalocean|alibaba|hetzner|red hat/i, "kvm"],
];

const hypervisorsByClock: readonly (readonly [RegExp, string])[] = [
  [/\bkvm-clock\b/, "kvm"],
  [/\bhyperv_clocksource/, "microsoft"],
  [/(^|\s)xen(\s|$)/, "xen"],
  [/\bvmware/, "vmware"],
];

/** The innermost layer: a container if this is one, else the hypervisor; "vm-other" for one without a name; empty on bare metal. */
export function detectVirtualization(signs: VirtualizationSigns): string {
  if (signs.container !== "") return signs.container;
  const [marker] = signs.inFirstPidNamespace ? [] : signs.markers;
  if (marker !== undefined) return containerMarkers[marker] ?? "";
  const named = firstMatch(hypervisorsByClock, signs.clockSources) ?? signs.hypervisorType;
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(signs.cpuInfo);
  // Metal instances of clouds carry the cloud's DMI names without a hypervisor; only x86 can tell by the flag.
  const canTell = /^flags\s*:/m.test(signs.cpuInfo);
  const byDmi = isVirtual || !canTell ? firstMatch(hypervisorsByDmi, signs.dmi) : undefined;
  return byDmi ?? (named || (isVirtual ? "vm-other" : ""));
}

function firstMatch(table: readonly (readonly [RegExp, string])[], text: string): string | undefined {
  return table.find(([pattern]) => pattern.test(text))?.[1];
}

/** Collects the signs of this host. */
export async function readVirtualizationSigns(cpuInfo: string, dmi: string): Promise<VirtualizationSigns> {
  const [namespace, environment, systemdContainer, clockSources, hypervisorType, ...markers] = await Promise.all([
    readlink("/proc/self/ns/pid"),
    readOptional("/proc/1/environ"),
    readOptional("/run/systemd/container"),
    readOptional("/sys/devices/system/clocksource/clocksource0/available_clocksource"),
    readOptional("/sys/hypervisor/type"),
    ...Object.keys(containerMarkers).map(markerIfPresent),
  ]);
  return {
    container: parseContainerVariable(environment) || systemdContainer.trim(),
    markers: markers.filter((marker) => marker !== ""),
    inFirstPidNamespace: namespace === firstPidNamespace,
    dmi,
    cpuInfo,
    clockSources: clockSources.trim(),
    hypervisorType: hypervisorType.trim(),
  };
}

/** Value of container= in an environment block. */
export function parseContainerVariable(environment: string): string {
  const entry = environment.split("\0").find((candidate) => candidate.startsWith("container="));
  return entry?.slice("container=".length) ?? "";
}

async function markerIfPresent(path: string): Promise<string> {
  return stat(path).then(
    () => path,
    // Not there, or not visible to this user: no sign either way.
    () => "",
  );
}
