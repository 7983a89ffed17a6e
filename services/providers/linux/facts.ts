// The host's facts: what selectors see without asking the host.
import { readFile } from "node:fs/promises";
import { release } from "node:os";
import type { OSProvider } from "../os-provider.js";
import { countCpus } from "./system/cpu-usage.js";
import { readHostId, standardMachineIdFiles } from "./system/host-id.js";
import { parseMemory } from "./system/memory.js";
import { readOsRelease } from "./system/os-release.js";

type Facts = Awaited<ReturnType<OSProvider["facts"]>>;

/** Reads the facts. `capabilities` are what the provider found its backends to be. */
export async function readFacts(capabilities: readonly string[], stateDirectory?: string): Promise<Facts> {
  const [osRelease, stat, memory] = await Promise.all([
    readOsRelease(),
    readFile("/proc/stat", "latin1"),
    readFile("/proc/meminfo", "latin1"),
  ]);
  return {
    hostId: readHostId({ machineIdFiles: standardMachineIdFiles, stateDirectory }),
    os: "linux",
    distro: osRelease.id,
    distroLike: [...osRelease.idLike],
    distroVersion: osRelease.versionId,
    kernel: release(),
    arch: process.arch,
    cpuCount: countCpus(stat),
    memoryBytes: parseMemory(memory).totalBytes,
    capabilities: [...capabilities].sort(),
  };
}
