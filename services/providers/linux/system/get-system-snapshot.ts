// GetSystemSnapshot: what the whole host looks like now.
import { readFile } from "node:fs/promises";
import { hostname, release } from "node:os";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { LoadAverageSchema, OperatingSystemSchema } from "../../../gen/systemsmanager/telemetry/v1/system_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { untilAborted } from "../../../shared/until-aborted.js";
import type { OperationHandler } from "../../os-provider.js";
import { readBootClock } from "../procfs/clock.js";
import { measureCpuUsage } from "./cpu-usage.js";
import { createDiskMeasurer, readDisks } from "./disks.js";
import { readHardware } from "./hardware.js";
import { parseMemory } from "./memory.js";
import { readOsRelease } from "./os-release.js";

type GetSystemSnapshot = (typeof TelemetryService)["method"]["getSystemSnapshot"];

/** Takes snapshots; remembers between calls which disks do not answer. */
export function createGetSystemSnapshot(): OperationHandler<GetSystemSnapshot> {
  const measureDisks = createDiskMeasurer();
  return async (_request, { signal }) => {
    const parts = Promise.all([
      readOperatingSystem(),
      readHardware(),
      measureCpuUsage(signal),
      readFile("/proc/meminfo", "latin1"),
      readFile("/proc/loadavg", "latin1"),
      readDisks(measureDisks),
      readBootClock(),
    ]);
    const [os, hardware, cpu, memory, load, { disks, unavailable }, clock] = await untilAborted(parts, signal);
    return {
      os,
      hardware,
      cpu,
      memory: parseMemory(memory),
      load: parseLoadAverage(load),
      disks,
      bootTime: timestampFromMs(clock.bootTimeMs),
      uptimeSeconds: clock.uptimeSeconds,
      unavailable,
    };
  };
}

/** Parses /proc/loadavg. */
export function parseLoadAverage(text: string): MessageInitShape<typeof LoadAverageSchema> {
  const [one = 0, five = 0, fifteen = 0] = text.split(" ").slice(0, 3).map(Number);
  return { one, five, fifteen };
}

async function readOperatingSystem(): Promise<MessageInitShape<typeof OperatingSystemSchema>> {
  const { prettyName, id, versionId } = await readOsRelease();
  return {
    prettyName,
    distroId: id,
    distroVersion: versionId,
    kernelRelease: release(),
    arch: process.arch,
    hostname: hostname(),
  };
}
