import { describe, expect, test } from "vitest";
import {
  detectVirtualization,
  parseContainerVariable,
  type VirtualizationSigns,
} from "../../../../services/providers/linux/system/virtualization.js";

const metal: VirtualizationSigns = {
  container: "",
  markers: [],
  inFirstPidNamespace: true,
  dmi: "Dell Inc. PowerEdge R650",
  cpuInfo: "model name\t: Xeon\nflags\t\t: fpu vme sse2\n",
  clockSources: "tsc hpet acpi_pm",
  hypervisorType: "",
};
const guestCpu = "flags\t\t: fpu hypervisor lahf_lm\n";

describe("virtualisation", () => {
  test.each<[string, Partial<VirtualizationSigns>, string]>([
    ["bare metal", {}, ""],
    ["a container by pid 1's environment", { container: "lxc" }, "lxc"],
    [
      "a container on a virtual machine",
      { container: "podman", cpuInfo: guestCpu, clockSources: "kvm-clock" },
      "podman",
    ],
    ["docker by its marker", { markers: ["/.dockerenv"], inFirstPidNamespace: false }, "docker"],
    ["podman by its marker", { markers: ["/run/.containerenv"], inFirstPidNamespace: false }, "podman"],
    [
      "a machine whose disk was made of a docker image",
      { markers: ["/.dockerenv"], cpuInfo: guestCpu, clockSources: "tsc kvm-clock" },
      "kvm",
    ],
    ["QEMU", { dmi: "QEMU Standard PC (Q35 + ICH9, 2009)", cpuInfo: guestCpu, clockSources: "kvm-clock tsc" }, "kvm"],
    ["VMware", { dmi: "VMware, Inc. VMware7,1", cpuInfo: guestCpu }, "vmware"],
    ["Hyper-V", { dmi: "Microsoft Corporation Virtual Machine", cpuInfo: guestCpu }, "microsoft"],
    ["a Surface, which is metal", { dmi: "Microsoft Corporation Surface Laptop" }, ""],
    ["VirtualBox", { dmi: "innotek GmbH VirtualBox", cpuInfo: guestCpu }, "oracle"],
    ["an EC2 guest", { dmi: "Amazon EC2 m6i.large", cpuInfo: guestCpu, clockSources: "kvm-clock tsc" }, "amazon"],
    ["an EC2 metal instance", { dmi: "Amazon EC2 m6i.metal" }, ""],
    [
      "an arm64 guest, whose CPU has no such flag",
      { dmi: "QEMU QEMU Virtual Machine", cpuInfo: "Features\t: fp asimd\n", clockSources: "arch_sys_counter" },
      "kvm",
    ],
    ["a microVM without DMI", { dmi: " ", cpuInfo: guestCpu, clockSources: "tsc kvm-clock" }, "kvm"],
    ["Xen by sysfs", { dmi: "", cpuInfo: guestCpu, clockSources: "tsc", hypervisorType: "xen" }, "xen"],
    ["a hypervisor without a name", { dmi: "", cpuInfo: guestCpu, clockSources: "tsc" }, "vm-other"],
  ])("%s", (_, signs, name) => expect(detectVirtualization({ ...metal, ...signs })).toBe(name));
});

test.each([
  ["HOME=/\0container=systemd-nspawn\0TERM=linux\0", "systemd-nspawn"],
  ["HOME=/\0mycontainer=x\0", ""],
  ["", ""],
])("the environment %j says %j", (environment, container) => {
  expect(parseContainerVariable(environment)).toBe(container);
});
